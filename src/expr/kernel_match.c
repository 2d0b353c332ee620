/* kernel_match.c - re.MatchString. A constant pattern comes compiled, perhaps with the rows that may
 * match (match_group.h); patterns that vary are kept in a small cache. */
#include "expr/kernel.h"

#include "expr/regex_shim.h"

#include <string.h>

enum { MATCH_BATCH = 256, MATCH_PATTERN_BYTES_MAX = 64 << 10, MATCH_SHOWN_BYTES = 200, MATCH_WHY_BYTES = 256 };

static capi_status refuse(capi_str pattern, const char *why, capi_err *err)
{
    capi_buf shown = {0};

    capi_buf_append_text(&shown, "regular expression \"");
    capi_buf_append_visible(&shown, pattern, MATCH_SHOWN_BYTES);
    capi_buf_append_text(&shown, "\" is not valid: ");
    capi_buf_append_visible(&shown, capi_str_of(why), MATCH_SHOWN_BYTES);
    capi_err_set(err, CAPI_INVALID, "%.*s", (int)shown.bytes, shown.data);
    capi_buf_deinit(&shown);
    return CAPI_INVALID;
}

static void free_regex(void *regex)
{
    expr_regex_free(regex);
}

capi_status expr_prepare_regex(capi_arena *arena, capi_str text, const void **out, capi_err *err)
{
    char why[MATCH_WHY_BYTES];
    expr_regex *regex = expr_regex_compile(text.data, text.bytes, why, sizeof why);

    if (!regex) return refuse(text, why, err);
    capi_arena_on_end(arena, free_regex, regex);
    *out = regex;
    return CAPI_OK;
}

static uint32_t match_constant(const expr_call *call, const expr_regex *regex, uint8_t *out)
{
    expr_regex_text texts[MATCH_BATCH];
    const capi_view *views = call->args[1].views;

    for (uint32_t row = 0; row < call->row_count; row += MATCH_BATCH) {
        uint32_t count = call->row_count - row < MATCH_BATCH ? call->row_count - row : MATCH_BATCH;

        for (uint32_t i = 0; i < count; i++)
            texts[i] = (expr_regex_text){capi_view_data(&views[row + i]), views[row + i].bytes};
        expr_regex_match_batch(regex, texts, count, out + row);
    }
    return call->row_count;
}

/* Only rows that may match are looked at. */
static uint32_t match_candidates(const expr_call *call, const expr_regex *regex, uint8_t *out)
{
    const capi_view *views = call->args[1].views;

    memset(out, 0, call->row_count);
    for (uint32_t start = 0; start < call->row_count; start += 64)
        for (uint64_t rows = call->candidates[start / 64]; rows; rows &= rows - 1) {
            uint32_t row = start + (uint32_t)__builtin_ctzll(rows);

            /* Those that failed earlier, and above, do not count. */
            if (row >= call->row_count) break;
            out[row] = expr_regex_match_candidate(regex, capi_view_data(&views[row]), views[row].bytes);
        }
    return call->row_count;
}

/* The compiled pattern, or NULL with the cause set. It stays valid until the next call. */
static const expr_regex *cached_regex(expr_run *run, capi_str pattern)
{
    expr_cached_regex *oldest = &run->regexes[0];
    char why[MATCH_WHY_BYTES];

    run->regex_clock++;
    for (uint32_t i = 0; i < EXPR_REGEX_CACHE_MAX; i++) {
        expr_cached_regex *item = &run->regexes[i];

        if (item->regex && capi_str_equal(capi_buf_str(&item->pattern), pattern)) {
            item->used_at = run->regex_clock;
            return item->regex;
        }
        if (item->used_at < oldest->used_at) oldest = item;
    }
    expr_regex_free(oldest->regex);
    oldest->regex = NULL;
    if (pattern.bytes > MATCH_PATTERN_BYTES_MAX) {
        capi_err_set(&run->cause, CAPI_INVALID, "regular expression of %zu bytes is longer than the maximum of %d",
                     pattern.bytes, MATCH_PATTERN_BYTES_MAX);
        return NULL;
    }
    oldest->regex = expr_regex_compile(pattern.data, pattern.bytes, why, sizeof why);
    if (!oldest->regex) {
        (void)refuse(pattern, why, &run->cause);
        return NULL;
    }
    capi_buf_clear(&oldest->pattern);
    capi_buf_append_str(&oldest->pattern, pattern);
    oldest->used_at = run->regex_clock;
    return oldest->regex;
}

uint32_t expr_string_match(const expr_call *call, capi_vec *out)
{
    const capi_view *patterns = call->args[0].views;
    const capi_view *texts = call->args[1].views;
    uint32_t step_pattern = kernel_step(&call->args[0]);
    uint32_t step_text = kernel_step(&call->args[1]);

    *out = expr_run_vec(call->run, CAPI_BOOL, CAPI_FORM_BOOL);
    if (call->prepared && step_text && call->candidates) return match_candidates(call, call->prepared, out->bools);
    if (call->prepared && step_text) return match_constant(call, call->prepared, out->bools);
    for (uint32_t row = 0; row < call->row_count; row++) {
        const capi_view *text = &texts[row * step_text];
        const expr_regex *regex = call->prepared;

        if (!regex) regex = cached_regex(call->run, capi_view_str(&patterns[row * step_pattern]));
        if (!regex) return row;
        out->bools[row] = expr_regex_match(regex, capi_view_data(text), text->bytes);
    }
    return call->row_count;
}
