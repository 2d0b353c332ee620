/* net_test.c - what needs no server: URLs, wildcards, signatures, answers of S3. Servers: test/e2e/transports.py. */
#include "net/credentials.h"
#include "net/files.h"
#include "net/glob.h"
#include "net/s3_xml.h"
#include "net/sigv4.h"
#include "net/url.h"

#include "base/test.h"

#include <stdlib.h>

static capi_url parsed(const char *text)
{
    capi_url url;

    CHECK(capi_url_parse(capi_str_of(text), &url, NULL) == CAPI_OK);
    return url;
}

static bool is_refused(const char *text, const char *words)
{
    capi_url url;
    capi_err err = {0};

    return capi_url_parse(capi_str_of(text), &url, &err) == CAPI_INVALID && strstr(err.text, words);
}

TEST(schemes_are_known_in_any_case)
{
    CHECK(capi_url_scheme(CAPI_STR("/a/b")) == CAPI_SCHEME_LOCAL);
    CHECK(capi_url_scheme(CAPI_STR("file:///a")) == CAPI_SCHEME_LOCAL);
    CHECK(capi_url_scheme(CAPI_STR("a://b")) == CAPI_SCHEME_OTHER);
    CHECK(capi_url_scheme(CAPI_STR("HTTPS://x/")) == CAPI_SCHEME_HTTPS);
    CHECK(capi_url_scheme(CAPI_STR("S3://b/k")) == CAPI_SCHEME_S3);
    CHECK(capi_url_scheme(CAPI_STR("")) == CAPI_SCHEME_LOCAL);
}

TEST(urls_are_taken_apart)
{
    capi_url url = parsed("https://me:a:b@host.example:8443/p/q?x=1&y=2#z");

    CHECK(capi_str_is(url.user, "me") && capi_str_is(url.password, "a:b"));
    CHECK(capi_str_is(url.host, "host.example") && url.port == 8443);
    CHECK(capi_str_is(url.path, "/p/q") && capi_str_is(url.query, "x=1&y=2"));
    url = parsed("http://[::1]:80");
    CHECK(capi_str_is(url.host, "[::1]") && url.port == 80 && url.path.bytes == 0);
    url = parsed("s3://bucket/a?b#c");
    CHECK(capi_str_is(url.host, "bucket") && capi_str_is(url.path, "/a?b#c") && url.query.bytes == 0);
    url = parsed("sftp://u@h/a b/@c");
    CHECK(capi_str_is(url.user, "u") && capi_str_is(url.path, "/a b/@c"));
}

TEST(bad_urls_say_what_is_wrong)
{
    CHECK(is_refused("http://h:0/", "bad port \"0\""));
    CHECK(is_refused("http://h:65536/", "bad port \"65536\""));
    CHECK(is_refused("http://h:/", "bad port \"\""));
    CHECK(is_refused("http:///x", "no host"));
    CHECK(is_refused("http://u:p@/x", "no host"));
    CHECK(is_refused("http://[::1/x", "bad host"));
    CHECK(is_refused("http://h/a\nb", "control character"));
}

TEST(secrets_are_not_shown)
{
    capi_arena arena = {0};

    CHECK(capi_str_is(capi_url_show(&arena, CAPI_STR("https://u:p@h/x?a=1&X-Amz-Signature=abc&token=t")),
                      "https://u:...@h/x?a=1&X-Amz-Signature=...&token=..."));
    CHECK(capi_str_is(capi_url_show(&arena, CAPI_STR("sftp://u@h/x")), "sftp://u@h/x"));
    CHECK(capi_str_is(capi_url_show(&arena, CAPI_STR("/local?token=1")), "/local?token=1"));
    CHECK(capi_str_is(capi_url_show(&arena, CAPI_STR("http://h")), "http://h"));
    capi_arena_deinit(&arena);
}

TEST(wildcards_stay_within_a_part_of_the_path)
{
    CHECK(capi_glob_matches(CAPI_STR("s3://b/p/*.csv"), CAPI_STR("s3://b/p/a.csv")));
    CHECK(!capi_glob_matches(CAPI_STR("s3://b/p/*.csv"), CAPI_STR("s3://b/p/q/a.csv")));
    CHECK(capi_glob_matches(CAPI_STR("/a/*/c?"), CAPI_STR("/a/bbb/cd")));
    CHECK(!capi_glob_matches(CAPI_STR("/a/?/c"), CAPI_STR("/a//c")));
    CHECK(capi_glob_matches(CAPI_STR("x[a-c]y"), CAPI_STR("xby")) &&
          !capi_glob_matches(CAPI_STR("x[!a-c]y"), CAPI_STR("xby")));
    CHECK(capi_glob_matches(CAPI_STR("*a*a*a*b"), CAPI_STR("aaaaaaaaaaaaaaaaaaaab")));
    CHECK(!capi_glob_matches(CAPI_STR("*a*a*a*b"), CAPI_STR("aaaaaaaaaaaaaaaaaaaac")));
    CHECK(capi_glob_matches(CAPI_STR("a["), CAPI_STR("a[")) && !capi_glob_matches(CAPI_STR(""), CAPI_STR("a")));
    CHECK(capi_str_is(capi_glob_prefix(CAPI_STR("/a/b*")), "/a/b"));
}

TEST(wildcards_do_not_find_hidden_files)
{
    CHECK(!capi_glob_matches(CAPI_STR("/a/*"), CAPI_STR("/a/.b")) && !capi_glob_matches(CAPI_STR("*"), CAPI_STR(".b")));
    CHECK(!capi_glob_matches(CAPI_STR("/a/?b"), CAPI_STR("/a/.b")) &&
          !capi_glob_matches(CAPI_STR("/a/[.]b"), CAPI_STR("/a/.b")));
    CHECK(capi_glob_matches(CAPI_STR("/a/.*"), CAPI_STR("/a/.b")) &&
          capi_glob_matches(CAPI_STR("*b"), CAPI_STR("a.b")));
}

static bool is_pattern(const char *url)
{
    return capi_files_is_pattern(capi_str_of(url));
}

TEST(few_names_are_patterns)
{
    CHECK(is_pattern("/a/*.csv") && is_pattern("a/") && is_pattern("file:///a[1].csv") && is_pattern("s3://b/p/"));
    CHECK(is_pattern("sftp://u@h/a?.csv") && is_pattern("http://h/a*") && is_pattern("http://h/a/"));
    CHECK(!is_pattern("/a/b.csv") && !is_pattern("http://h/a?b=*[1]") && !is_pattern("http://[::1]/a"));
    CHECK(!is_pattern("http://h/") && !is_pattern("http://h/a/?x=/") && !is_pattern("sftp://u@[::1]/a"));
}

static uint32_t kept(const char *pattern, const char *const *urls, capi_arena *arena)
{
    capi_str path = capi_str_of(pattern);
    net_listing listing = {.literal = path, .is_folder = capi_str_ends(path, "/")};
    uint32_t count;
    capi_net_entry *entries;

    listing.glob = capi_str_format(arena, "%s%s", pattern, listing.is_folder ? "*" : "");
    for (; *urls; urls++)
        CHECK(net_listing_add(&listing, capi_str_of(*urls), 1, NULL) == CAPI_OK);
    net_listing_sort(&listing, arena, &entries, &count);
    for (uint32_t i = 1; i < count; i++)
        CHECK(capi_str_compare(entries[i - 1].url, entries[i].url) < 0);
    free(listing.entries);
    return count;
}

TEST(a_file_of_exactly_that_name_goes_before_matches)
{
    static const char *const urls[] = {"/p/a2.csv", "/p/a1.csv", "/p/.a.csv", "/p/", "/p/q/a1.csv", NULL};
    static const char *const odd[] = {"/p/a1.csv", "/p/a[1].csv", "/p/a*.csv", "/p1/x", "/p[1]/x", "/p[1]/y", NULL};
    capi_arena arena = {0};

    CHECK(kept("/p/*.csv", urls, &arena) == 2 && kept("/p/", urls, &arena) == 2 && kept("/x*", urls, &arena) == 0);
    CHECK(kept("/*/q/*", urls, &arena) == 1);
    CHECK(kept("/p/a[1].csv", odd, &arena) == 1 && kept("/p/a*.csv", odd, &arena) == 1);
    CHECK(kept("/p[1]/", odd, &arena) == 2 && kept("/p[12]/", odd, &arena) == 1);
    capi_arena_deinit(&arena);
}

TEST(lists_have_an_end)
{
    net_listing listing = {.glob = CAPI_STR("/p/*"), .literal = CAPI_STR("/p/*")};
    capi_err err = {0};

    for (uint32_t i = 0; i < CAPI_NET_LIST_MAX; i++)
        CHECK(net_listing_add(&listing, CAPI_STR("/p/a"), 1, NULL) == CAPI_OK);
    CHECK(net_listing_add(&listing, CAPI_STR("/q/a"), 1, NULL) == CAPI_OK); /* does not match */
    CHECK(net_listing_add(&listing, CAPI_STR("/p/a"), 1, &err) == CAPI_INVALID && strstr(err.text, "100000"));
    free(listing.entries);
}

TEST(profiles_are_read_from_ini_files)
{
    capi_str text =
        CAPI_STR("# c\n[default]\nregion = eu-west-1\naws_access_key_id=A\n[profile dev]\n region=us-west-2 \n");

    CHECK(capi_str_is(aws_ini_value(text, "default", "region"), "eu-west-1"));
    CHECK(capi_str_is(aws_ini_value(text, "dev", "region"), "us-west-2"));
    CHECK(aws_ini_value(text, "dev", "aws_access_key_id").bytes == 0);
    CHECK(aws_ini_value(text, "other", "region").bytes == 0);
}

/* The worked example "GET Bucket (List Objects)" of the S3 API Reference, Signature Version 4 by header. */
TEST(signatures_are_those_of_the_reference)
{
    capi_arena arena = {0};
    const char *headers[4];
    char empty[SHA256_HEX_BYTES + 1];
    aws_signing signing = {.method = "GET",
                           .host = CAPI_STR("examplebucket.s3.amazonaws.com"),
                           .path = CAPI_STR("/"),
                           .query = CAPI_STR("max-keys=2&prefix=J"),
                           .access_key = CAPI_STR("AKIAIOSFODNN7EXAMPLE"),
                           .secret_key = CAPI_STR("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
                           .region = CAPI_STR("us-east-1"),
                           .time_s = 1369353600};

    sha256_hex(NULL, 0, empty);
    CHECK(strcmp(empty, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855") == 0);
    signing.payload_hash = capi_str_of(empty);
    aws_sign(&signing, &arena, headers);
    CHECK(strstr(headers[0], "Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"));
    CHECK(strstr(headers[0], "Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"));
    CHECK(strcmp(headers[1], "x-amz-date: 20130524T000000Z") == 0);
    CHECK(headers[3] == NULL);
    capi_arena_deinit(&arena);
}

TEST(lists_of_objects_are_read)
{
    capi_str text = CAPI_STR("<?xml version=\"1.0\"?><ListBucketResult><IsTruncated>true</IsTruncated>"
                             "<Contents><Key>p/a%20b%2B.csv</Key><Size>12</Size></Contents>"
                             "<Contents><Size>3</Size><Key>p/c+d</Key></Contents>"
                             "<NextContinuationToken>t&amp;1</NextContinuationToken></ListBucketResult>");
    capi_arena arena = {0};
    net_listing listing = {.glob = CAPI_STR("/p/*"), .path_at = 6};
    s3_answer answer = {0};

    CHECK(s3_xml_read(text, CAPI_STR("b"), &arena, &listing, &answer, NULL) == CAPI_OK);
    CHECK(listing.count == 2 && capi_str_is(listing.entries[0].url, "s3://b/p/a b+.csv") &&
          listing.entries[0].bytes == 12);
    CHECK(capi_str_is(listing.entries[1].url, "s3://b/p/c d") && listing.entries[1].bytes == 3);
    CHECK(answer.is_truncated && capi_str_is(capi_buf_str(&answer.next_token), "t&1") && !answer.is_error);
    CHECK(s3_xml_read(capi_str_slice(text, 0, text.bytes - 9), CAPI_STR("b"), &arena, NULL, &answer, NULL) ==
          CAPI_UNAVAILABLE);
    CHECK(s3_xml_read(CAPI_STR("<Error><Code>Slow</Code></Error>"), CAPI_STR("b"), &arena, NULL, &answer, NULL) ==
          CAPI_OK);
    CHECK(answer.is_error && capi_str_is(capi_buf_str(&answer.error_code), "Slow"));
    s3_answer_deinit(&answer);
    free(listing.entries);
    capi_arena_deinit(&arena);
}
