/* settings.c - reads one map by the table of settings. */
#include "script/settings.h"

#include <assert.h>

const capi_setting_info capi_setting_infos[CAPI_SETTING_COUNT] = {
#define X(section, id, name, type, default_text, help)                                                                 \
    {CAPI_SECTION_##section, name, CAPI_SETTING_##type, default_text, help},
    CAPI_SETTINGS(X)
#undef X
};

static const char *const section_paths[] = {
#define X(id, path, what) path,
    CAPI_SECTIONS(X)
#undef X
};

static const char *const section_whats[] = {
#define X(id, path, what) what,
    CAPI_SECTIONS(X)
#undef X
};

const char *capi_section_path(capi_section section)
{
    return section_paths[section];
}

const char *capi_section_what(capi_section section)
{
    return section_whats[section];
}

static const char *type_text(capi_setting_type type)
{
    switch (type) {
    case CAPI_SETTING_STRING: return "a string";
    case CAPI_SETTING_INT: return "a whole number";
    case CAPI_SETTING_BOOL: return "true or false";
    case CAPI_SETTING_MAP:
    case CAPI_SETTING_NAMES: return "a map";
    case CAPI_SETTING_LIST: return "a list";
    case CAPI_SETTING_STRINGS: return "a list of strings";
    case CAPI_SETTING_STRING_MAP: return "a map of strings";
    case CAPI_SETTING_ANY: return "anything";
    }
    return "";
}

static capi_tree_kind kind_of(capi_setting_type type)
{
    switch (type) {
    case CAPI_SETTING_STRING: return CAPI_TREE_STRING;
    case CAPI_SETTING_INT: return CAPI_TREE_INT;
    case CAPI_SETTING_BOOL: return CAPI_TREE_BOOL;
    case CAPI_SETTING_MAP:
    case CAPI_SETTING_NAMES:
    case CAPI_SETTING_STRING_MAP: return CAPI_TREE_MAP;
    case CAPI_SETTING_LIST:
    case CAPI_SETTING_STRINGS: return CAPI_TREE_LIST;
    case CAPI_SETTING_ANY: break;
    }
    return CAPI_TREE_NULL;
}

typedef struct settings_reader {
    capi_report *report;
    const capi_source *source;
    capi_settings *settings;
    const char *path;
    uint32_t count; /* of settings in the section */
} settings_reader;

static const char *rule_of(capi_section section)
{
    return section == CAPI_SECTION_POLICY || section == CAPI_SECTION_RULE ? "V81" : "V9";
}

static bool string_items_ok(const settings_reader *reader, const capi_setting_info *info, const capi_tree *value)
{
    bool is_ok = true;

    for (uint32_t i = 0; i < value->count; i++) {
        const capi_tree *item = value->kind == CAPI_TREE_LIST ? value->items[i] : value->members[i].value;

        if (item->kind == CAPI_TREE_STRING) continue;
        if (value->kind == CAPI_TREE_MAP)
            capi_report_error(reader->report, rule_of(info->section), reader->source, item->start, item->end,
                              "\"%s\" is %s; expected %s, but \"%.*s\" is %s", info->name,
                              capi_tree_kind_name(value->kind), type_text(info->type),
                              CAPI_STR_ARG(value->members[i].key->string), capi_tree_kind_name(item->kind));
        else
            capi_report_error(reader->report, rule_of(info->section), reader->source, item->start, item->end,
                              "\"%s\" must be %s; item %u is %s", info->name, type_text(info->type), i + 1,
                              capi_tree_kind_name(item->kind));
        is_ok = false;
    }
    return is_ok;
}

static void warn_repeated(const settings_reader *reader, const capi_tree_member *member, const char *where)
{
    if (member->is_repeated)
        capi_report_warning(reader->report, NULL, reader->source, member->key->start, member->key->end,
                            "\"%.*s\" is there more than once in %s; the last one counts",
                            CAPI_STR_ARG(member->key->string), where);
}

static bool value_ok(const settings_reader *reader, const capi_setting_info *info, const capi_tree *value)
{
    bool has_names = info->type == CAPI_SETTING_NAMES || info->type == CAPI_SETTING_STRING_MAP;

    for (uint32_t i = 0; has_names && value->kind == CAPI_TREE_MAP && i < value->count; i++)
        warn_repeated(reader, &value->members[i], info->name);
    if (info->type == CAPI_SETTING_ANY) return true;
    if (value->kind == kind_of(info->type)) {
        /* A list with a wrong item is of no use; of a map the other items are. */
        if (info->type == CAPI_SETTING_STRINGS) return string_items_ok(reader, info, value);
        if (info->type == CAPI_SETTING_STRING_MAP) (void)string_items_ok(reader, info, value);
        return true;
    }
    capi_report_error(reader->report, rule_of(info->section), reader->source, value->start, value->end,
                      "\"%s\" is %s; expected %s", info->name, capi_tree_kind_name(value->kind), type_text(info->type));
    return false;
}

/* Names that begin with "x-" or "_" are the author's own: notes, anchors to refer to. */
static bool is_own_name(capi_str name)
{
    return capi_str_starts(name, "x-") || capi_str_starts(name, "_");
}

static void warn_unknown(const settings_reader *reader, const capi_tree *key)
{
    capi_str names[CAPI_SECTION_SETTINGS_MAX];
    capi_arena *arena = reader->report->arena;
    capi_str nearest;

    if (is_own_name(key->string)) return;
    for (uint32_t i = 0; i < reader->count; i++)
        names[i] = capi_str_of(capi_setting_infos[reader->settings->first + i].name);
    nearest = capi_did_you_mean(arena, key->string, names, reader->count);
    if (nearest.bytes)
        capi_report_warning(reader->report, NULL, reader->source, key->start, key->end,
                            "unknown setting \"%.*s\" in %s is ignored%.*s", CAPI_STR_ARG(key->string), reader->path,
                            CAPI_STR_ARG(nearest));
    else
        capi_report_warning(reader->report, NULL, reader->source, key->start, key->end,
                            "unknown setting \"%.*s\" in %s is ignored; known are %.*s", CAPI_STR_ARG(key->string),
                            reader->path, CAPI_STR_ARG(capi_words_join(arena, names, reader->count, false)));
}

static int32_t find_setting(const settings_reader *reader, capi_str name)
{
    for (uint32_t i = 0; i < reader->count; i++)
        if (capi_str_is(name, capi_setting_infos[reader->settings->first + i].name)) return (int32_t)i;
    return -1;
}

static void read_member(const settings_reader *reader, const capi_tree_member *member)
{
    int32_t at = find_setting(reader, member->key->string);

    if (at < 0) {
        warn_unknown(reader, member->key);
        return;
    }
    warn_repeated(reader, member, reader->path);
    if (member->value->kind == CAPI_TREE_NULL) return;
    if (value_ok(reader, &capi_setting_infos[reader->settings->first + at], member->value))
        reader->settings->values[at] = member->value;
    else
        reader->settings->is_wrong[at] = true;
}

void capi_settings_read(capi_report *report, const capi_source *source, const capi_tree *map, capi_section section,
                        const char *path, capi_settings *out)
{
    settings_reader reader = {.report = report, .source = source, .settings = out, .path = path};
    uint32_t first = 0;

    while (capi_setting_infos[first].section != section)
        first++;
    while (first + reader.count < CAPI_SETTING_COUNT && capi_setting_infos[first + reader.count].section == section)
        reader.count++;
    assert(reader.count <= CAPI_SECTION_SETTINGS_MAX);
    *out = (capi_settings){.section = section, .first = (capi_setting)first};
    if (!map || map->kind == CAPI_TREE_NULL) return;
    if (map->kind != CAPI_TREE_MAP) {
        capi_report_error(report, rule_of(section), source, map->start, map->end, "%s is %s; expected a map", path,
                          capi_tree_kind_name(map->kind));
        return;
    }
    out->map = map;
    for (uint32_t i = 0; i < map->count; i++)
        read_member(&reader, &map->members[i]);
}

static uint32_t slot_of(const capi_settings *settings, capi_setting setting)
{
    assert(capi_setting_infos[setting].section == settings->section);
    return (uint32_t)setting - (uint32_t)settings->first;
}

const capi_tree *capi_settings_value(const capi_settings *settings, capi_setting setting)
{
    return settings->map ? settings->values[slot_of(settings, setting)] : NULL;
}

bool capi_settings_is_wrong(const capi_settings *settings, capi_setting setting)
{
    return settings->map && settings->is_wrong[slot_of(settings, setting)];
}

capi_str capi_settings_string(const capi_settings *settings, capi_setting setting)
{
    const capi_tree *value = capi_settings_value(settings, setting);

    return value ? value->string : CAPI_STR("");
}

int64_t capi_settings_int(const capi_settings *settings, capi_setting setting)
{
    const capi_tree *value = capi_settings_value(settings, setting);

    return value ? value->integer : 0;
}

bool capi_settings_bool(const capi_settings *settings, capi_setting setting)
{
    const capi_tree *value = capi_settings_value(settings, setting);

    return value && value->boolean;
}

const capi_tree *capi_settings_either(const capi_settings *current, capi_setting setting, const capi_settings *old,
                                      capi_setting old_setting)
{
    const capi_tree *value = capi_settings_value(current, setting);

    return value ? value : capi_settings_value(old, old_setting);
}
