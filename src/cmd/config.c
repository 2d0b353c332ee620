/* config.c - reads settings by their table: first the file, then the environment on top. */
#include "cmd/config.h"

#include "base/file.h"

#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CONFIG_BYTES_MAX = 1 << 20, CONFIG_KEY_MAX = 128, CONFIG_SECRET_BYTES_MAX = 65536 };

const capi_config_setting capi_config_settings[CAPI_CONFIG_COUNT] = {
#define X(id, key, type, use, fallback, variable, least, greatest, meaning)                                            \
    {key, CAPI_CONFIG_##type, CAPI_CONFIG_##use, fallback, variable, least, greatest, meaning},
    CAPI_CONFIG_SETTINGS(X)
#undef X
};

const char *capi_config_type_name(capi_config_type type)
{
    switch (type) {
    case CAPI_CONFIG_STRING:
    case CAPI_CONFIG_SECRET:
    case CAPI_CONFIG_URL: return "string";
    case CAPI_CONFIG_INT: return "whole number";
    case CAPI_CONFIG_BOOL: return "true or false";
    case CAPI_CONFIG_BYTES: return "number of bytes, such as \"2G\"";
    case CAPI_CONFIG_STRINGS: return "list of strings";
    case CAPI_CONFIG_MAP: return "map of strings";
    case CAPI_CONFIG_OBJECT: return "object";
    }
    return "";
}

static void config_warn(capi_config *config, const char *what, const char *key, const char *words)
{
    if (config->warning_count == CAPI_CONFIG_WARNINGS_MAX) return;
    config->warnings[config->warning_count++] = capi_str_format(&config->arena, "%s \"%s\" %s", what, key, words);
}

/* ---- values from texts ---- */

/* "2G", "512M", "1000000" */
static bool parse_bytes(const char *text, int64_t *out)
{
    char *rest;
    unsigned long long value = strtoull(text, &rest, 10);
    unsigned shift = *rest == 'K' ? 10 : *rest == 'M' ? 20 : *rest == 'G' ? 30 : *rest == 'T' ? 40 : 0;

    if (rest == text || text[0] == '-' || (*rest && (!shift || rest[1])) ||
        value > (unsigned long long)INT64_MAX >> shift)
        return false;
    *out = (int64_t)(value << shift);
    return true;
}

/* Decimal, 0x... or 0...: as the reference reads its environment. */
static bool parse_int(const char *text, int64_t *out)
{
    char *rest;

    *out = strtoll(text, &rest, 0);
    return rest > text && !*rest && *out != LLONG_MAX && *out != LLONG_MIN && text[0] != ' ';
}

static bool parse_bool(const char *text, int64_t *out)
{
    static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
    static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};

    for (int i = 0; i < 6; i++)
        if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
            *out = strcmp(text, yes[i]) == 0;
            return true;
        }
    return false;
}

static void parse_list(capi_arena *arena, capi_str text, capi_config_value *value)
{
    uint32_t count = 1;

    for (size_t i = 0; i < text.bytes; i++)
        count += text.data[i] == ',';
    value->items = capi_new_array(arena, capi_str, count);
    value->item_count = 0;
    while (text.bytes) {
        int64_t comma = capi_str_find(text, CAPI_STR(","));
        capi_str item = capi_str_trim(comma < 0 ? text : capi_str_slice(text, 0, (size_t)comma));

        value->items[value->item_count++] = capi_str_copy(arena, item);
        text = comma < 0 ? (capi_str){0} : capi_str_slice(text, (size_t)comma + 1, text.bytes);
    }
}

/* key:value,key:value */
static bool parse_map(capi_arena *arena, capi_str text, capi_config_value *value)
{
    capi_config_value pairs = {0};

    parse_list(arena, text, &pairs);
    value->items = capi_new_array(arena, capi_str, pairs.item_count * 2 + 1);
    value->item_count = 0;
    for (uint32_t i = 0; i < pairs.item_count; i++) {
        int64_t colon = capi_str_find(pairs.items[i], CAPI_STR(":"));

        if (colon < 1) return false;
        value->items[value->item_count++] = capi_str_copy(arena, capi_str_slice(pairs.items[i], 0, (size_t)colon));
        value->items[value->item_count++] =
            capi_str_copy(arena, capi_str_slice(pairs.items[i], (size_t)colon + 1, pairs.items[i].bytes));
    }
    return true;
}

/* A text from the environment, or a default; false if it cannot be a value of the type. */
static bool take_text(capi_arena *arena, const capi_config_setting *setting, const char *text, capi_config_value *value)
{
    value->text = capi_str_copy(arena, capi_str_of(text));
    switch (setting->type) {
    case CAPI_CONFIG_STRING:
    case CAPI_CONFIG_SECRET:
    case CAPI_CONFIG_URL: return true;
    case CAPI_CONFIG_INT: return parse_int(text, &value->number);
    case CAPI_CONFIG_BOOL: return parse_bool(text, &value->number);
    case CAPI_CONFIG_BYTES: return parse_bytes(text, &value->number);
    case CAPI_CONFIG_STRINGS: parse_list(arena, value->text, value); return true;
    case CAPI_CONFIG_MAP: return parse_map(arena, value->text, value);
    case CAPI_CONFIG_OBJECT: return *text == 0;
    }
    return false;
}

/* ---- values from JSON ---- */

static bool take_strings(capi_arena *arena, const json_t *json, capi_config_value *value)
{
    size_t count = json_array_size(json);

    if (!json_is_array(json)) return false;
    value->items = capi_new_array(arena, capi_str, count + 1);
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(json, i));

        if (!text) return false;
        value->items[i] = capi_str_copy(arena, capi_str_of(text));
    }
    value->item_count = (uint32_t)count;
    return true;
}

static bool take_map(capi_arena *arena, json_t *json, capi_config_value *value)
{
    const char *key;
    json_t *item;

    if (!json_is_object(json)) return false;
    value->items = capi_new_array(arena, capi_str, json_object_size(json) * 2 + 1);
    json_object_foreach(json, key, item)
    {
        if (!json_is_string(item)) return false;
        value->items[value->item_count++] = capi_str_copy(arena, capi_str_of(key));
        value->items[value->item_count++] = capi_str_copy(arena, capi_str_of(json_string_value(item)));
    }
    return true;
}

static bool take_json(capi_arena *arena, const capi_config_setting *setting, json_t *json, capi_config_value *value)
{
    char *text;

    switch (setting->type) {
    case CAPI_CONFIG_STRING:
    case CAPI_CONFIG_SECRET:
    case CAPI_CONFIG_URL:
        if (!json_is_string(json)) return false;
        value->text = capi_str_copy(arena, capi_str_of(json_string_value(json)));
        return true;
    case CAPI_CONFIG_INT: value->number = json_integer_value(json); return json_is_integer(json);
    case CAPI_CONFIG_BOOL: value->number = json_is_true(json); return json_is_boolean(json);
    case CAPI_CONFIG_BYTES:
        value->number = json_integer_value(json);
        if (json_is_integer(json)) return value->number >= 0;
        return json_is_string(json) && parse_bytes(json_string_value(json), &value->number);
    case CAPI_CONFIG_STRINGS: return take_strings(arena, json, value);
    case CAPI_CONFIG_MAP: return take_map(arena, json, value);
    case CAPI_CONFIG_OBJECT:
        if (!json_is_object(json)) return false;
        text = json_dumps(json, JSON_COMPACT);
        value->json = capi_str_copy(arena, capi_str_of(text));
        free(text);
        return true;
    }
    return false;
}

/* The value under a dotted key, or NULL. *is_wrong: something on the way is no object. */
static json_t *find_json(json_t *root, const char *key, bool *is_wrong)
{
    char part[CONFIG_KEY_MAX];
    json_t *at = root;

    while (at && *key) {
        size_t bytes = strcspn(key, ".");

        snprintf(part, sizeof part, "%.*s", (int)bytes, key);
        if (json_is_null(at)) return NULL;
        if (!json_is_object(at)) {
            *is_wrong = true;
            return NULL;
        }
        at = json_object_get(at, part);
        key += bytes + (key[bytes] == '.');
    }
    return json_is_null(at) ? NULL : at;
}

static capi_status take_file(capi_config *config, json_t *root, capi_err *err)
{
    for (int id = 0; id < CAPI_CONFIG_COUNT; id++) {
        const capi_config_setting *setting = &capi_config_settings[id];
        bool is_wrong = false;
        json_t *json = find_json(root, setting->key, &is_wrong);
        char *text;

        if (is_wrong)
            return capi_err_set(err, CAPI_INVALID, "setting \"%s\" stands below a value that is no object",
                                setting->key);
        if (!json) continue;
        config->values[id] = (capi_config_value){.is_set = true};
        if (take_json(&config->arena, setting, json, &config->values[id])) continue;
        text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
        capi_err_set(err, CAPI_INVALID, "setting \"%s\" is %.200s, expected a %s", setting->key,
                     setting->type == CAPI_CONFIG_SECRET ? "something else" : text,
                     capi_config_type_name(setting->type));
        free(text);
        return CAPI_INVALID;
    }
    return CAPI_OK;
}

/* ---- checks ---- */

static capi_status blame_file(const capi_config *config, capi_status st, capi_err *err)
{
    if (st != CAPI_OK && config->path.bytes)
        capi_err_note(err, "in the configuration file \"%.*s\"", CAPI_STR_ARG(config->path));
    return st;
}

/* A value cannot be used: `is` says what it is, `expected` what it should be. Names where it comes from. */
static capi_status blame(const capi_config *config, int id, capi_str is, const char *expected, capi_err *err)
{
    const capi_config_setting *setting = &capi_config_settings[id];

    if (config->values[id].is_from_environment)
        return capi_err_set(err, CAPI_INVALID, "environment variable %s is %.*s, expected %s", setting->variable,
                            CAPI_STR_ARG(is), expected);
    return blame_file(config,
                      capi_err_set(err, CAPI_INVALID, "setting \"%s\" is %.*s, expected %s", setting->key,
                                   CAPI_STR_ARG(is), expected),
                      err);
}

/* The reference takes its default where the number of threads makes no sense, and scripts that start it may rely on that. What is
 * not used does no harm. */
static bool is_forgiven(int id)
{
    return id == CAPI_CONFIG_THREAD_POOL || capi_config_settings[id].use != CAPI_CONFIG_USED;
}

static capi_status check_range(capi_config *config, int id, capi_err *err)
{
    char is[32];
    char expected[64];
    const capi_config_setting *setting = &capi_config_settings[id];
    capi_config_value *value = &config->values[id];

    if (setting->type != CAPI_CONFIG_INT || (value->number >= setting->least && value->number <= setting->greatest))
        return CAPI_OK;
    snprintf(is, sizeof is, "%lld", (long long)value->number);
    snprintf(expected, sizeof expected, "%lld to %lld", (long long)setting->least, (long long)setting->greatest);
    if (!is_forgiven(id)) return blame(config, id, capi_str_of(is), expected, err);
    config_warn(
        config, "setting", setting->key,
        capi_str_format(&config->arena, "is %s, expected %s; it is taken as %s", is, expected, setting->fallback).data);
    value->number = atoll(setting->fallback);
    return CAPI_OK;
}

static bool is_one_of(capi_str text, const char *const *words)
{
    for (; *words; words++)
        if (text.bytes == strlen(*words) && strncasecmp(text.data, *words, text.bytes) == 0) return true;
    return false;
}

static capi_status check_word(capi_config *config, capi_config_id id, const char *const *words, const char *expected,
                              capi_err *err)
{
    capi_str text = config->values[id].text;

    if (text.bytes == 0 || is_one_of(text, words)) return CAPI_OK;
    return blame(config, id, capi_str_format(&config->arena, "\"%.*s\"", CAPI_STR_ARG(text)), expected, err);
}

static capi_status check_words(capi_config *config, capi_err *err)
{
    static const char *const levels[] = {"debug", "info", "warn", "error", "dpanic", "panic", "fatal", NULL};
    static const char *const stores[] = {"embedded", "cassandra", NULL};
    static const char *const queues[] = {"none", "amqp10", "amqp091", "capimq", NULL};
    static const char *const retries[] = {"release", "reject", NULL};

    CAPI_TRY(check_word(config, CAPI_CONFIG_LOG_LEVEL, levels, "debug, info, warn or error", err));
    CAPI_TRY(check_word(config, CAPI_CONFIG_STORE_TYPE, stores, "embedded or cassandra", err));
    CAPI_TRY(check_word(config, CAPI_CONFIG_MQ_TYPE, queues, "none, amqp10, amqp091 or capimq", err));
    if (!capi_str_is(capi_config_text(config, CAPI_CONFIG_MQ_TYPE), "capimq"))
        CAPI_TRY(check_word(config, CAPI_CONFIG_AMQP10_RETRY, retries, "release or reject", err));
    return CAPI_OK;
}

static void take_old(capi_config *config, json_t *root)
{
    static const char *const ignored[] = {"amqp", "dead_letter_ttl", "cassandra.min_inserter_rate", NULL};
    capi_config_value *values = config->values;
    bool is_wrong = false;

    if (values[CAPI_CONFIG_OLD_THREAD_POOL].is_set && !values[CAPI_CONFIG_THREAD_POOL].is_set)
        values[CAPI_CONFIG_THREAD_POOL] = values[CAPI_CONFIG_OLD_THREAD_POOL];
    if (values[CAPI_CONFIG_OLD_LOG_LEVEL].is_set && !values[CAPI_CONFIG_LOG_LEVEL].is_set)
        values[CAPI_CONFIG_LOG_LEVEL] = values[CAPI_CONFIG_OLD_LOG_LEVEL];
    for (const char *const *key = ignored; *key; key++)
        if (find_json(root, *key, &is_wrong))
            config_warn(config, "setting", *key, "is of Capillaries 1.1.6 and has no effect");
}

static void warn_about_queue(capi_config *config)
{
    capi_str type = capi_config_text(config, CAPI_CONFIG_MQ_TYPE);

    if (type.bytes && !capi_str_is(type, "none"))
        config_warn(config, "setting", "mq_type",
                    "is taken as none: processes find their work in the data folder, without a queue");
}

/* ---- reading ---- */

/* A secret, or a URL that may hold one, may stand in the file that <variable>_FILE names, so that neither the list of processes
 * nor the environment shows it. Line ends behind it do not count. *text stays NULL if there is no such variable. */
static capi_status take_secret_file(capi_config *config, const capi_config_setting *setting,
                                    const char *(*get)(const char *variable), const char **text, capi_err *err)
{
    char variable[CONFIG_KEY_MAX];
    const char *path;
    capi_str content;

    if (setting->type != CAPI_CONFIG_SECRET && setting->type != CAPI_CONFIG_URL) return CAPI_OK;
    snprintf(variable, sizeof variable, "%s_FILE", setting->variable);
    path = get(variable);
    if (!path || !path[0]) return CAPI_OK;
    if (*text && (*text)[0])
        return capi_err_set(err, CAPI_INVALID, "environment variables %s and %s are both set, expected one of them",
                            setting->variable, variable);
    if (capi_file_read_all(path, CONFIG_SECRET_BYTES_MAX, &config->arena, &content, err) != CAPI_OK) {
        capi_err_note(err, "while reading what environment variable %s names", variable);
        return CAPI_INVALID;
    }
    while (content.bytes && (content.data[content.bytes - 1] == '\n' || content.data[content.bytes - 1] == '\r'))
        content.bytes--;
    if (content.bytes == 0 || memchr(content.data, 0, content.bytes) || memchr(content.data, '\n', content.bytes))
        return capi_err_set(err, CAPI_INVALID,
                            "file \"%s\" of environment variable %s holds no secret, expected one line", path,
                            variable);
    *text = capi_str_copy(&config->arena, content).data;
    return CAPI_OK;
}

static capi_status take_environment(capi_config *config, const char *(*get)(const char *variable), capi_err *err)
{
    for (int id = 0; id < CAPI_CONFIG_COUNT; id++) {
        const capi_config_setting *setting = &capi_config_settings[id];
        const char *text = setting->variable[0] ? get(setting->variable) : NULL;
        capi_config_value value = {.is_set = true, .is_from_environment = true};

        if (setting->variable[0]) CAPI_TRY(take_secret_file(config, setting, get, &text, err));
        if (!text || !text[0]) continue;
        if (!take_text(&config->arena, setting, text, &value))
            return capi_err_set(err, CAPI_INVALID, "environment variable %s is \"%.200s\", expected a %s",
                                setting->variable, text, capi_config_type_name(setting->type));
        config->values[id] = value;
    }
    return CAPI_OK;
}

static void take_defaults(capi_config *config)
{
    for (int id = 0; id < CAPI_CONFIG_COUNT; id++)
        (void)take_text(&config->arena, &capi_config_settings[id], capi_config_settings[id].fallback,
                        &config->values[id]);
}

capi_status capi_config_parse(capi_str text, const char *(*get)(const char *variable), capi_config *out, capi_err *err)
{
    json_error_t problem;
    json_t *root = text.bytes ? json_loadb(text.data, text.bytes, JSON_REJECT_DUPLICATES, &problem) : json_object();
    capi_status st = CAPI_OK;

    take_defaults(out);
    if (!root)
        return blame_file(
            out, capi_err_set(err, CAPI_INVALID, "line %d, column %d: %s", problem.line, problem.column, problem.text),
            err);
    if (!json_is_object(root)) {
        st = blame_file(out, capi_err_set(err, CAPI_INVALID, "the configuration is no object"), err);
        goto out;
    }
    CAPI_TRY_OUT(blame_file(out, take_file(out, root, err), err));
    take_old(out, root);
    CAPI_TRY_OUT(take_environment(out, get, err));
    CAPI_TRY_OUT(check_words(out, err));
    for (int id = 0; id < CAPI_CONFIG_COUNT; id++)
        CAPI_TRY_OUT(check_range(out, id, err));
    warn_about_queue(out);
out:
    json_decref(root);
    return st;
}

static const char *get_variable(const char *variable)
{
    return getenv(variable);
}

capi_status capi_config_load(capi_str path, capi_config *out, capi_err *err)
{
    capi_str text = {0};

    if (path.bytes) {
        out->path = capi_str_copy(&out->arena, path);
        CAPI_TRY(capi_file_read_all(out->path.data, CONFIG_BYTES_MAX, &out->arena, &text, err));
        if (text.bytes == 0) text = CAPI_STR(" "); /* an empty file is no configuration */
        out->text = text;
    }
    return capi_config_parse(text, get_variable, out, err);
}

void capi_config_free(capi_config *config)
{
    capi_arena_deinit(&config->arena);
    *config = (capi_config){0};
}

static capi_str executable_folder(capi_arena *arena)
{
    char path[PATH_MAX];
    ssize_t bytes = readlink("/proc/self/exe", path, sizeof path);
    size_t end = bytes > 0 ? (size_t)bytes : 0;

    while (end > 1 && path[end - 1] != '/')
        end--;
    return end > 1 ? capi_str_copy(arena, (capi_str){path, end - 1}) : CAPI_STR(".");
}

capi_status capi_config_find(const char *name, capi_arena *arena, capi_str *path, capi_err *err)
{
    char here[PATH_MAX];
    capi_str folders[2] = {executable_folder(arena), capi_str_of(getcwd(here, sizeof here) ? here : ".")};

    for (int i = 0; i < 2; i++) {
        *path = capi_str_format(arena, "%.*s/%s", CAPI_STR_ARG(folders[i]), name);
        if (access(path->data, F_OK) == 0) return CAPI_OK;
    }
    *path = (capi_str){0};
    return capi_err_set(err, CAPI_NOT_FOUND, "there is no configuration file \"%s\" in \"%.*s\" or \"%.*s\"", name,
                        CAPI_STR_ARG(folders[0]), CAPI_STR_ARG(folders[1]));
}

/* ---- using ---- */

/* user:password@ becomes ...@ */
static capi_str mask_url(capi_arena *arena, capi_str url)
{
    int64_t scheme = capi_str_find(url, CAPI_STR("://"));
    size_t begin = scheme < 0 ? 0 : (size_t)scheme + 3;
    size_t end = begin;
    size_t at = 0;

    for (; end < url.bytes && url.data[end] != '/'; end++)
        if (url.data[end] == '@') at = end;
    if (!at) return url;
    return capi_str_format(arena, "%.*s...%.*s", (int)begin, url.data, (int)(url.bytes - at), url.data + at);
}

static json_t *describe_text(capi_str text)
{
    json_t *json = json_stringn(text.data ? text.data : "", text.bytes);

    return json ? json : json_string("(not UTF-8)");
}

static json_t *describe_items(const capi_config_setting *setting, const capi_config_value *value)
{
    json_t *json = setting->type == CAPI_CONFIG_MAP ? json_object() : json_array();

    for (uint32_t i = 0; i < value->item_count; i++)
        if (setting->type == CAPI_CONFIG_MAP) {
            json_object_set_new(json, value->items[i].data, describe_text(value->items[i + 1]));
            i++;
        } else {
            json_array_append_new(json, describe_text(value->items[i]));
        }
    return json;
}

static json_t *describe_value(capi_arena *arena, const capi_config_setting *setting, const capi_config_value *value)
{
    switch (setting->type) {
    case CAPI_CONFIG_STRING: return describe_text(value->text);
    case CAPI_CONFIG_SECRET: return json_string(value->text.bytes ? "..." : "");
    case CAPI_CONFIG_URL: return describe_text(mask_url(arena, value->text));
    case CAPI_CONFIG_BOOL: return json_boolean(value->number);
    case CAPI_CONFIG_INT:
    case CAPI_CONFIG_BYTES: return json_integer(value->number);
    case CAPI_CONFIG_STRINGS:
    case CAPI_CONFIG_MAP: return describe_items(setting, value);
    case CAPI_CONFIG_OBJECT: return value->is_set ? json_object() : NULL;
    }
    return NULL;
}

/* Puts a value under a dotted key, with the objects on the way. */
static void put_json(json_t *root, const char *key, json_t *value)
{
    char part[CONFIG_KEY_MAX];
    json_t *at = root;

    for (;;) {
        size_t bytes = strcspn(key, ".");
        json_t *below;

        snprintf(part, sizeof part, "%.*s", (int)bytes, key);
        if (!key[bytes]) break;
        below = json_object_get(at, part);
        if (!below) {
            below = json_object();
            json_object_set_new(at, part, below);
        }
        at = below;
        key += bytes + 1;
    }
    json_object_set_new(at, part, value);
}

void capi_config_describe(const capi_config *config, capi_buf *to)
{
    capi_arena arena = {0};
    json_t *root = json_object();
    char *text;

    for (int id = 0; id < CAPI_CONFIG_COUNT; id++) {
        const capi_config_setting *setting = &capi_config_settings[id];
        json_t *value;

        /* Settings without effect are shown only where somebody has set them. */
        if (setting->use != CAPI_CONFIG_USED && !config->values[id].is_set) continue;
        value = describe_value(&arena, setting, &config->values[id]);
        if (value) put_json(root, setting->key, value);
    }
    text = json_dumps(root, JSON_COMPACT);
    capi_buf_append_text(to, text ? text : "{}");
    free(text);
    json_decref(root);
    capi_arena_deinit(&arena);
}

capi_status capi_config_data_folder(const capi_config *config, capi_arena *arena, capi_str *out, capi_err *err)
{
    capi_str type = capi_config_text(config, CAPI_CONFIG_STORE_TYPE);
    bool is_cassandra =
        type.bytes ? type.bytes == strlen("cassandra") : config->values[CAPI_CONFIG_CASSANDRA_HOSTS].item_count > 0;
    size_t end = config->path.bytes;

    if (is_cassandra)
        return capi_err_set(
            err, CAPI_INVALID,
            "the configuration asks for Cassandra (%s), and this program has the embedded store only; set "
            "store.type, or CAPI_STORE_TYPE, to embedded",
            type.bytes ? "store.type" : "cassandra.hosts");
    *out = capi_str_copy(arena, capi_config_text(config, CAPI_CONFIG_STORE_FOLDER));
    if (out->bytes) return CAPI_OK;
    while (end && config->path.data[end - 1] != '/')
        end--;
    if (config->path.bytes == 0) return capi_err_set(err, CAPI_NOT_FOUND, "no data folder is configured");
    *out = capi_str_format(arena, "%.*scapillaries_data", (int)end, config->path.data);
    return CAPI_OK;
}

static void set_variable(const char *variable, capi_str value, capi_arena *arena)
{
    if (value.bytes) setenv(variable, capi_str_copy(arena, value).data, 0);
}

void capi_config_apply_python(const capi_config *config)
{
    capi_arena arena = {0};
    const capi_config_value *params = &config->values[CAPI_CONFIG_PYTHON_PARAMS];
    const capi_config_value *timeout = &config->values[CAPI_CONFIG_PYTHON_TIMEOUT];
    const capi_config_value *paths = &config->values[CAPI_CONFIG_PYTHON_READ_PATHS];
    capi_buf joined = {0};

    for (uint32_t i = 0; i < params->item_count; i++)
        capi_buf_printf(&joined, "%s%.*s", i ? "," : "", CAPI_STR_ARG(params->items[i]));
    set_variable("CAPI_PYCALC_INTERPRETER_PATH", capi_config_text(config, CAPI_CONFIG_PYTHON_PATH), &arena);
    set_variable("CAPI_PYCALC_INTERPRETER_PARAMS", capi_buf_str(&joined), &arena);
    if (timeout->is_set && timeout->number > 0)
        set_variable("CAPI_PYCALC_EXECUTION_TIMEOUT", capi_str_format(&arena, "%lld", (long long)timeout->number),
                     &arena);
    set_variable("CAPI_PYTHON_SANDBOX", capi_config_text(config, CAPI_CONFIG_PYTHON_SANDBOX), &arena);
    capi_buf_clear(&joined);
    for (uint32_t i = 0; i < paths->item_count; i++)
        capi_buf_printf(&joined, "%s%.*s", i ? ":" : "", CAPI_STR_ARG(paths->items[i]));
    if (!getenv("CAPI_PYTHON_READ_PATHS")) set_variable("CAPI_PYTHON_READ_PATHS", capi_buf_str(&joined), &arena);
    capi_buf_deinit(&joined);
    capi_arena_deinit(&arena);
}
