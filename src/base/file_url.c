/* file_url.c - see file_url.h */
#include "base/file_url.h"

#include <strings.h>

static bool starts(capi_str text, const char *with)
{
    size_t bytes = strlen(with);

    return text.bytes >= bytes && strncasecmp(text.data, with, bytes) == 0;
}

/* Where the path begins; 0: the URL has none on this machine. */
static size_t path_at(capi_str url)
{
    static const char *const heads[] = {"file:///", "file://localhost/"};

    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        if (starts(url, heads[i])) return strlen(heads[i]) - 1;
    return 0;
}

bool capi_file_url_is_elsewhere(capi_str url)
{
    return starts(url, "file://") && path_at(url) == 0;
}

capi_str capi_file_url_path(capi_str url)
{
    return capi_str_slice(url, path_at(url), url.bytes);
}
