#include "check.h"

#include <openssl/evp.h>

#include "ssoferry/form_post.h"
#include "ssoferry/page.h"

static const struct {
    const char *accept;
    bool json;
} accepts[] = {
    {"", false},
    {"*/*", false},
    {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", false},
    {"application/json", true},
    {"Application/JSON", true},
    {"application/json, */*", true},
    {"application/json;q=0.5, text/html;q=0.4", true},
    {"application/json;q=0.4, text/html;q=0.5", false},
    {"application/json;q=0, */*", false},
    {"application/json; charset=utf-8 ; q=0.9, text/html;q=0.8", true},
    {"text/html, application/json", false},
    {"application/problem+json", true},
    {"application/*", false},
    {"text/plain", false},
    {"application/json;q=1.000", true},
    {"application/json;q=zzz", false},
    {",,;q=,", false},
};

static void json_is_given_to_those_who_prefer_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(accepts); ++i) {
        if (page_wants_json(text_of(accepts[i].accept)) != accepts[i].json)
            fail_msg("Accept: %s", accepts[i].accept);
    }
}

/* Whether the policy holds the hash of what stands between `open` and `close` in the body. */
static void assert_hash(const struct page *page, const char *open, const char *close)
{
    char *body = memory_string(page->body);
    char *policy = memory_string(page->security_policy);
    char *from = strstr(body, open);
    assert_non_null(from);
    from += strlen(open);
    char *to = strstr(from, close);
    assert_non_null(to);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    char encoded[64];
    assert_int_equal(EVP_Digest(from, (size_t)(to - from), digest, &size, EVP_sha256(), NULL), 1);
    EVP_EncodeBlock((unsigned char *)encoded, digest, (int)size);
    if (strstr(policy, encoded) == NULL)
        fail_msg("the policy \"%s\" lacks sha256-%s", policy, encoded);
    free(body);
    free(policy);
}

static bool holds(struct text t, const char *part)
{
    char *copy = memory_string(t);
    bool found = strstr(copy, part) != NULL;
    free(copy);
    return found;
}

static void an_error_page_says_what_and_which_request(void **state)
{
    struct arena *arena = arena_new();
    struct page page;
    (void)state;
    page_error(&page, false, 404, "unknown", "Ask your administrator.", TEXT("id-1"), arena_memory(arena));
    assert_text(page.content_type, "text/html; charset=utf-8");
    assert_true(holds(page.body, "<html lang=\"en\">"));
    assert_true(holds(page.body, "<h1>This sign-in address is not known</h1>"));
    assert_true(holds(page.body, "Ask your administrator."));
    assert_true(holds(page.body, "id-1"));
    assert_hash(&page, "<style>", "</style>");
    page_error(&page, true, 404, "unknown", "Ask your administrator.", TEXT("id-1"), arena_memory(arena));
    assert_text(page.content_type, "application/json");
    assert_text(page.body, "{\"error\":\"unknown\",\"message\":\"Ask your administrator.\",\"request_id\":\"id-1\"}\n");
    arena_free(arena);
}

static void fields_are_carried_and_escaped(void **state)
{
    struct arena *arena = arena_new();
    struct page page;
    struct form_fields fields;
    struct text body = TEXT("SAMLResponse=PHNhbWw%2B&RelayState=%22%3E%3Cscript%3E%26amp%3B+x%0D%0Ay&empty=&bare");
    (void)state;
    assert_true(form_decode_all(body, arena_memory(arena), &fields));
    form_post_page(&page, &fields, TEXT("https://api.stytch.com/v1/x?a=1&b=2"), TEXT("https://app.example.com"),
                   form_post_size(&fields, TEXT("https://api.stytch.com/v1/x?a=1&b=2")), arena_memory(arena));
    assert_int_equal(page.body.size, form_post_size(&fields, TEXT("https://api.stytch.com/v1/x?a=1&b=2")));
    assert_true(holds(page.body, "action=\"https://api.stytch.com/v1/x?a=1&amp;b=2\""));
    assert_true(holds(page.body, "name=\"SAMLResponse\" value=\"PHNhbWw+\""));
    assert_true(holds(page.body, "name=\"RelayState\" value=\"&quot;&gt;&lt;script&gt;&amp;amp; x&#13;&#10;y\""));
    assert_true(holds(page.body, "name=\"empty\" value=\"\""));
    assert_true(holds(page.body, "name=\"bare\" value=\"\""));
    assert_true(holds(page.security_policy, "default-src 'none'"));
    assert_true(holds(page.security_policy, "form-action https://api.stytch.com https://app.example.com;"));
    assert_true(holds(page.security_policy, "base-uri 'none'"));
    assert_false(holds(page.security_policy, "frame-ancestors")); /* it signs in within a frame as well */
    assert_hash(&page, "<script>", "</script>");
    form_post_page(&page, &fields, TEXT("https://old.example.com?sp=1"), TEXT("https://app.example.com"),
                   form_post_size(&fields, TEXT("https://old.example.com?sp=1")), arena_memory(arena));
    assert_true(holds(page.security_policy, "form-action https://old.example.com https://app.example.com;"));
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_given_to_those_who_prefer_it),
        cmocka_unit_test(an_error_page_says_what_and_which_request),
        cmocka_unit_test(fields_are_carried_and_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
