/* The answer that both floors give, with the size and shape of ssoferryd's. */
#ifndef SSOFERRY_BENCH_CONSTANT_ANSWER_H
#define SSOFERRY_BENCH_CONSTANT_ANSWER_H

#define CONSTANT_FIELDS(FIELD)                                                                                         \
    FIELD("Location",                                                                                                  \
          "https://api.stytch.com/v1/b2b/sso/callback/saml-connection-live-00000000-0000-4000-8000-000000000000")      \
    FIELD("Cache-Control", "no-store")                                                                                 \
    FIELD("Referrer-Policy", "no-referrer")                                                                            \
    FIELD("X-Content-Type-Options", "nosniff")                                                                         \
    FIELD("X-Request-Id", "00000000000000000000000000000000")

#endif
