/* names.c - name lists, scopes and the slots of a node. */
#include "script/names.h"

#include "script/source.h"

void capi_name_list_init(capi_name_list *list, capi_arena *arena)
{
    *list = (capi_name_list){0};
    capi_map_init(&list->by_name, arena);
}

capi_name *capi_name_list_add(capi_name_list *list, capi_str name, bool has_type, capi_type type)
{
    capi_name *item;

    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity ? list->capacity * 2 : 8;
        capi_name *items = capi_new_array(list->by_name.arena, capi_name, capacity);

        if (list->count) memcpy(items, list->items, list->count * sizeof *items);
        list->items = items;
        list->capacity = capacity;
    }
    item = &list->items[list->count];
    *item = (capi_name){.name = name, .number = list->count, .has_type = has_type, .type = type};
    list->count++;
    /* Numbers stay when the array moves, pointers do not. */
    if (!capi_map_get(&list->by_name, name)) capi_map_put(&list->by_name, name, (void *)(uintptr_t)list->count);
    return item;
}

const capi_name *capi_name_list_find(const capi_name_list *list, capi_str name)
{
    uintptr_t found = (uintptr_t)capi_map_get(&list->by_name, name);

    return found ? &list->items[found - 1] : NULL;
}

static uint32_t *slot_of_column(capi_slot_list *slots, capi_side side, uint32_t column)
{
    if (column >= slots->column_count[side]) {
        uint32_t count = column < 16 ? 16 : column * 2;
        uint32_t *wider = capi_new_array(slots->arena, uint32_t, count);

        if (slots->column_count[side]) memcpy(wider, slots->of_column[side], slots->column_count[side] * sizeof *wider);
        slots->of_column[side] = wider;
        slots->column_count[side] = count;
    }
    return &slots->of_column[side][column];
}

uint32_t capi_slot_list_use(capi_slot_list *slots, capi_side side, const capi_name *name)
{
    uint32_t *slot = slot_of_column(slots, side, name->number);

    if (*slot) return *slot - 1;
    if (slots->count == slots->capacity) {
        uint32_t capacity = slots->capacity ? slots->capacity * 2 : 8;
        capi_slot *items = capi_new_array(slots->arena, capi_slot, capacity);

        if (slots->count) memcpy(items, slots->items, slots->count * sizeof *items);
        slots->items = items;
        slots->capacity = capacity;
    }
    slots->items[slots->count] = (capi_slot){side, name->number, name->name, name->type};
    *slot = ++slots->count;
    return *slot - 1;
}

void capi_name_scope_add(capi_name_scope *scope, const char *alias, const capi_name_list *names, bool is_allowed,
                         capi_side side)
{
    scope->aliases[scope->alias_count++] =
        (capi_scope_alias){.alias = alias, .names = names, .is_allowed = is_allowed, .side = side};
}

capi_name_verdict capi_name_scope_find(void *context, capi_str alias, capi_str name, uint32_t *slot, capi_type *type)
{
    capi_name_scope *scope = context;

    for (uint32_t i = 0; i < scope->alias_count; i++) {
        const capi_scope_alias *place = &scope->aliases[i];
        const capi_name *found;

        if (!capi_str_is(alias, place->alias) || !place->names) continue;
        if (!place->is_allowed)
            return capi_name_list_find(place->names, name) || place->names->is_unknown ? CAPI_NAME_PROHIBITED
                                                                                       : CAPI_NAME_UNKNOWN;
        if (place->names->is_unknown) {
            scope->is_unresolved = true;
            *slot = 0;
            *type = CAPI_STRING;
            return CAPI_NAME_KNOWN;
        }
        found = capi_name_list_find(place->names, name);
        if (!found) return CAPI_NAME_UNKNOWN;
        if (!found->has_type) scope->is_unresolved = true;
        *type = found->type;
        *slot = scope->slots ? capi_slot_list_use(scope->slots, place->side, found) : place->base + found->number;
        return CAPI_NAME_KNOWN;
    }
    return CAPI_NAME_UNKNOWN;
}

capi_str *capi_name_scope_words(const capi_name_scope *scope, capi_arena *arena, uint32_t *count)
{
    capi_str *words;
    uint32_t max = 0;

    for (uint32_t i = 0; i < scope->alias_count; i++)
        if (scope->aliases[i].is_allowed && scope->aliases[i].names) max += scope->aliases[i].names->count;
    words = capi_new_array(arena, capi_str, max);
    *count = 0;
    for (uint32_t i = 0; i < scope->alias_count; i++) {
        const capi_scope_alias *place = &scope->aliases[i];

        if (!place->is_allowed || !place->names) continue;
        for (uint32_t j = 0; j < place->names->count; j++)
            words[(*count)++] =
                capi_str_format(arena, "%s.%.*s", place->alias, CAPI_STR_ARG(place->names->items[j].name));
    }
    return words;
}

capi_str capi_name_scope_aliases(const capi_name_scope *scope, capi_arena *arena)
{
    capi_str words[CAPI_SCOPE_ALIAS_MAX];
    size_t count = 0;

    for (uint32_t i = 0; i < scope->alias_count; i++)
        if (scope->aliases[i].is_allowed && scope->aliases[i].names)
            words[count++] = capi_str_format(arena, "%s.*", scope->aliases[i].alias);
    return capi_words_join(arena, words, count, false);
}
