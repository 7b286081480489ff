#include "ssoferry/route.h"

const char *route_miss_text(enum route_miss miss)
{
    static const char *const texts[ROUTE_MISSES] = {
        [ROUTE_TAKEN] = "matches",
        [ROUTE_HOST_DIFFERS] = "the host differs",
        [ROUTE_PATH_DIFFERS] = "the path differs",
        [ROUTE_QUERY_LACKS] = "a query parameter is missing or has another value",
        [ROUTE_LEAVES_EMPTY] = "its identifier is empty, so that another route goes before",
        [ROUTE_TAKES_ANOTHER] = "an earlier route's identifier is empty, and it would take another word for it",
    };
    return (unsigned)miss < ROUTE_MISSES ? texts[miss] : "";
}

/* A damaged request may be a SAML sign-in; a foreign one is not. */
enum kind { DAMAGED, FOREIGN };

static const struct {
    const char *code;
    enum kind kind;
    const char *cause, *text;
} problems[EXTRACT_PROBLEMS] = {
    [EXTRACT_FINE] = {"", DAMAGED, "", ""},
    [EXTRACT_BAD_PATH] = {"bad_path", DAMAGED, "the path does not start with a slash",
                          "The address is not one that this service answers: its path does not start with a slash."},
    [EXTRACT_BAD_ENCODING] =
        {"bad_encoding", DAMAGED, "the identifier has a '%' without two hexadecimal digits",
         "The sign-on address is damaged: a '%' in it has to be followed by two hexadecimal digits. Compare the ACS "
         "URL at the identity provider, letter by letter, with the one that it was given."},
    [EXTRACT_BAD_UTF8] = {"bad_utf8", DAMAGED, "the identifier is not UTF-8",
                          "The name of the connection in the sign-on address is not valid UTF-8. Compare "
                          "the ACS URL at the identity provider with the one that it was given."},
    [EXTRACT_CONTROL_CHARACTER] =
        {"control_character", DAMAGED, "the identifier, or the path or query, holds a control character",
         "The name of the connection in the sign-on address holds a control character, such as a line break. Enter the "
         "ACS URL at the identity provider anew, by hand rather than by pasting."},
    [EXTRACT_EMPTY] = {"empty_identifier", DAMAGED, "the identifier is empty",
                       "The sign-on address names no connection: the part for it is empty. "
                       "Complete the ACS URL at the identity provider."},
    [EXTRACT_TOO_LONG] = {"identifier_too_long", DAMAGED, "the identifier is longer than 440 bytes",
                          "The name of the connection in the sign-on request is longer than 440 bytes, so it cannot be "
                          "one that exists. Check the ACS URL at the identity provider."},
    [EXTRACT_PARAMETER_TWICE] = {"parameter_twice", DAMAGED,
                                 "the parameter or field that holds the identifier stands twice",
                                 "The sign-on request names its connection twice, and it is unclear which one is "
                                 "meant. Remove the repeated parameter or field at the identity provider."},
    [EXTRACT_NO_RELAY_STATE] =
        {"no_relay_state", FOREIGN, "there is no RelayState to find the identifier in",
         "The sign-on request has no RelayState, and at this address the RelayState names the connection. Set the "
         "default RelayState at the identity provider, or start from the application's own sign-in page."},
    [EXTRACT_BAD_RELAY_STATE] =
        {"bad_relay_state", FOREIGN, "the RelayState is broken JSON, or lacks the member that holds the identifier",
         "The RelayState of the sign-on request cannot be read: it looks like JSON but is broken, or lacks the member "
         "that names the connection. Check the default RelayState at the identity provider."},
    [EXTRACT_NO_SAML_RESPONSE] =
        {"no_saml_response", FOREIGN, "there is no SAMLResponse to find the Issuer in",
         "No SAMLResponse came with the request. This happens when the page is reloaded or opened "
         "by hand: start again from the identity provider or the application's sign-in page. If it "
         "happens every time, check that the identity provider answers by HTTP POST."},
    [EXTRACT_SAML_RESPONSE_TWICE] = {"saml_response_twice", DAMAGED, "there are two SAMLResponses",
                                     "The request holds two SAMLResponse fields, and it is unclear which one is meant. "
                                     "Check what the identity provider sends."},
    [EXTRACT_SAML_ARTIFACT] =
        {"saml_artifact", FOREIGN, "the identity provider answered by artifact binding",
         "The identity provider answered with a SAML artifact, which this service cannot carry on. "
         "Set the binding of the assertion consumer service at the identity provider to HTTP POST."},
    [EXTRACT_NOT_A_FORM] = {"not_a_form", FOREIGN, "the POST's body is not a form",
                            "The request is not a form, so no SAMLResponse can be found in it. The "
                            "identity provider has to send application/x-www-form-urlencoded."},
    [EXTRACT_BAD_BASE64] = {"bad_base64", DAMAGED, "the SAMLResponse is not base64",
                            "The SAMLResponse is damaged: it is not base64. It may have been cut off or "
                            "changed on its way; check proxies and the identity provider's log."},
    [EXTRACT_BAD_DEFLATE] = {"bad_deflate", DAMAGED, "the SAMLResponse cannot be inflated",
                             "The SAMLResponse in the address is damaged: it cannot be decompressed. The address may "
                             "have been cut off on its way; the identity provider should answer by HTTP POST."},
    [EXTRACT_SAML_TOO_LARGE] =
        {"saml_too_large", DAMAGED, "the SAMLResponse inflates to more than 512 KiB, or 64 times its size",
         "The SAMLResponse decompresses to more than this service reads. Check what the identity provider sends."},
    [EXTRACT_BAD_XML] = {"bad_xml", DAMAGED, "the SAMLResponse is not well-formed XML, or declares a document type",
                         "The SAMLResponse is not well-formed XML, or declares a document type, which is refused. It "
                         "may have been cut off or changed on its way; check the identity provider's log."},
    [EXTRACT_NOT_A_RESPONSE] =
        {"not_a_response", FOREIGN, "the SAMLResponse is not a SAML 2.0 Response",
         "What the identity provider sent as SAMLResponse is not a SAML 2.0 Response. Check that it "
         "is set up for SAML 2.0 sign-on at this address; sign-out messages do not belong here."},
    [EXTRACT_NO_ISSUER] = {"no_issuer", DAMAGED, "the Response has no Issuer",
                           "The SAML Response does not say who issued it, and at this address the Issuer names the "
                           "connection. Have the identity provider put its entity id on the Response as Issuer."},
    [EXTRACT_ISSUER_TWICE] =
        {"issuer_twice", DAMAGED, "the Response has more than one Issuer",
         "The SAML Response names two Issuers where one belongs. Check what the identity provider sends."},
    [EXTRACT_UNFIT_ISSUER] = {"unfit_issuer", DAMAGED,
                              "the Issuer is empty, longer than 440 bytes, or more than plain text",
                              "The Issuer of the SAML Response cannot be an entity id: it is empty, longer than 440 "
                              "bytes, or not plain text. Check the entity id that is set at the identity provider."},
};

const char *extract_problem_code(enum extract_problem problem)
{
    return (unsigned)problem < EXTRACT_PROBLEMS ? problems[problem].code : "";
}

const char *extract_problem_cause(enum extract_problem problem)
{
    return (unsigned)problem < EXTRACT_PROBLEMS ? problems[problem].cause : "";
}

bool extract_problem_is_foreign(enum extract_problem problem)
{
    return (unsigned)problem < EXTRACT_PROBLEMS && problems[problem].kind == FOREIGN;
}

const char *extract_problem_text(enum extract_problem problem)
{
    return (unsigned)problem < EXTRACT_PROBLEMS ? problems[problem].text : "";
}

bool routes_ambiguous(const struct route *earlier, const struct route *later)
{
    enum template_relation relation = template_relation(earlier->template, later->template);
    return relation == TEMPLATE_COVERS || relation == TEMPLATE_OVERLAPS;
}
