/* What tests that read SAML messages begin and end with. */
#ifndef SSOFERRY_TESTS_SAML_FIXTURE_H
#define SSOFERRY_TESTS_SAML_FIXTURE_H

#include "check.h"
#include "ssoferry/saml_issuer.h"

static inline int saml_setup(void **state)
{
    (void)state;
    saml_issuer_startup();
    return 0;
}

static inline int saml_teardown(void **state)
{
    (void)state;
    saml_issuer_cleanup();
    return 0;
}

#endif
