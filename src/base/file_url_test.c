#include "base/file_url.h"

#include "base/test.h"

TEST(file_urls_of_this_machine_are_paths)
{
    CHECK(capi_str_is(capi_file_url_path(CAPI_STR("file:///a/b")), "/a/b"));
    CHECK(capi_str_is(capi_file_url_path(CAPI_STR("file://localhost/a")), "/a"));
    CHECK(capi_str_is(capi_file_url_path(CAPI_STR("File://LocalHost/a")), "/a"));
    CHECK(capi_str_is(capi_file_url_path(CAPI_STR("a/b")), "a/b"));
    CHECK(capi_str_is(capi_file_url_path(CAPI_STR("")), ""));
    CHECK(!capi_file_url_is_elsewhere(CAPI_STR("file:///a")));
    CHECK(!capi_file_url_is_elsewhere(CAPI_STR("file://localhost/a")));
    CHECK(!capi_file_url_is_elsewhere(CAPI_STR("s3://b/k")));
    CHECK(!capi_file_url_is_elsewhere(CAPI_STR("file:/a")));
}

TEST(file_urls_of_other_machines_stay_as_they_are)
{
    const char *const urls[] = {"file://host/a", "file://localhost.example/a", "file://localhost", "file://a",
                                "file://"};

    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        CHECK(capi_file_url_is_elsewhere(capi_str_of(urls[i])));
        CHECK(capi_str_is(capi_file_url_path(capi_str_of(urls[i])), urls[i]));
    }
}
