/* glob.c - see glob.h. A "*" that went too far is moved on by one byte: linear memory, no recursion. */
#include "net/glob.h"

static size_t first_wildcard(capi_str path)
{
    size_t at = 0;

    while (at < path.bytes && !strchr("*?[", path.data[at]))
        at++;
    return at;
}

bool capi_glob_is_pattern(capi_str path)
{
    return first_wildcard(path) < path.bytes;
}

capi_str capi_glob_prefix(capi_str pattern)
{
    return capi_str_slice(pattern, 0, first_wildcard(pattern));
}

/* One set at pattern[*at] == '['; *at goes behind it. Without a "]" the bracket stands for itself. */
static bool set_matches(capi_str pattern, size_t *at, char byte)
{
    size_t i = *at + 1, end;
    bool is_negated = i < pattern.bytes && (pattern.data[i] == '!' || pattern.data[i] == '^');
    bool found = false;

    if (is_negated) i++;
    for (end = i + 1; end < pattern.bytes && pattern.data[end] != ']';)
        end++;
    if (end >= pattern.bytes) {
        (*at)++;
        return byte == '[';
    }
    for (; i < end; i++) {
        unsigned char low = (unsigned char)pattern.data[i], high = low;

        if (i + 2 < end && pattern.data[i + 1] == '-') {
            high = (unsigned char)pattern.data[i + 2];
            i += 2;
        }
        if ((unsigned char)byte >= low && (unsigned char)byte <= high) found = true;
    }
    *at = end + 1;
    return found != is_negated && byte != '/';
}

static bool one_matches(capi_str pattern, size_t *at, char byte)
{
    if (*at >= pattern.bytes) return false;
    if (pattern.data[*at] == '[') return set_matches(pattern, at, byte);
    if (pattern.data[*at] == '?') return (*at)++, byte != '/';
    return pattern.data[(*at)++] == byte;
}

/* A "." with which a name begins is matched by nothing but itself. */
static bool is_hidden_at(capi_str path, size_t i)
{
    return path.data[i] == '.' && (i == 0 || path.data[i - 1] == '/');
}

bool capi_glob_matches(capi_str pattern, capi_str path)
{
    size_t p = 0, i = 0, star = SIZE_MAX, star_i = 0;

    while (i < path.bytes) {
        size_t next = p;

        if (p < pattern.bytes && pattern.data[p] == '*') {
            star = ++p;
            star_i = i;
            continue;
        }
        if (one_matches(pattern, &next, path.data[i]) && !(is_hidden_at(path, i) && pattern.data[p] != '.')) {
            p = next;
            i++;
            continue;
        }
        if (star == SIZE_MAX || path.data[star_i] == '/' || is_hidden_at(path, star_i)) return false;
        p = star;
        i = ++star_i;
    }
    while (p < pattern.bytes && pattern.data[p] == '*')
        p++;
    return p == pattern.bytes;
}
