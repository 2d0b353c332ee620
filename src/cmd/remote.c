/* remote.c - see remote.h */
#include "cmd/remote.h"

#include "base/file_url.h"
#include "net/url.h"

#include <pthread.h>

static struct {
    pthread_mutex_t lock;
    capi_arena arena; /* of the settings */
    bool is_configured;
    capi_net_settings settings;
    capi_net *net; /* for scripts; engines have their own */
} remote = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const char *text_of(const capi_config *config, capi_config_id id)
{
    capi_str text = capi_config_text(config, id);

    return text.bytes ? capi_str_copy(&remote.arena, text).data : NULL;
}

static void take(const capi_config *config)
{
    const capi_config_value *keys = &config->values[CAPI_CONFIG_PRIVATE_KEYS];
    capi_net_key *list = capi_new_array(&remote.arena, capi_net_key, keys->item_count / 2 + 1);

    for (uint32_t i = 0; i + 1 < keys->item_count; i += 2)
        list[i / 2] = (capi_net_key){capi_str_copy(&remote.arena, keys->items[i]),
                                     capi_str_copy(&remote.arena, keys->items[i + 1])};
    remote.settings = (capi_net_settings){
        .ca_path = text_of(config, CAPI_CONFIG_CA_PATH),
        .private_keys = list,
        .private_key_count = keys->item_count / 2,
        .known_hosts_path = text_of(config, CAPI_CONFIG_KNOWN_HOSTS),
        .is_any_host_trusted = !capi_config_number(config, CAPI_CONFIG_HOST_CHECK),
        .s3_endpoint = text_of(config, CAPI_CONFIG_S3_ENDPOINT),
        .idle_timeout_ms = (uint32_t)capi_config_number(config, CAPI_CONFIG_TRANSFER_IDLE),
        .retry_budget_ms = (uint32_t)capi_config_number(config, CAPI_CONFIG_TRANSFER_BUDGET),
    };
}

static capi_status configure(const capi_config *config, capi_err *err)
{
    capi_config environment = {0};
    capi_status st = CAPI_OK;

    if (remote.is_configured) return CAPI_OK;
    if (!config) {
        st = capi_config_load((capi_str){0}, &environment, err);
        if (st == CAPI_OK) take(&environment);
        capi_config_free(&environment);
    } else {
        take(config);
    }
    remote.is_configured = st == CAPI_OK;
    return st;
}

capi_status capi_remote_configure(const capi_config *config, capi_err *err)
{
    capi_status st;

    pthread_mutex_lock(&remote.lock);
    st = configure(config, err);
    pthread_mutex_unlock(&remote.lock);
    return st;
}

const capi_net_settings *capi_remote_settings(void)
{
    return &remote.settings;
}

capi_status capi_remote_net(capi_net **out, capi_err *err)
{
    capi_status st;

    pthread_mutex_lock(&remote.lock);
    st = configure(NULL, err);
    if (st == CAPI_OK && !remote.net) st = capi_net_new(&remote.settings, &remote.net, err);
    *out = remote.net;
    pthread_mutex_unlock(&remote.lock);
    return st;
}

static capi_status fetch_elsewhere(capi_str url, capi_arena *arena, capi_str *text, capi_err *err)
{
    capi_net *net;

    CAPI_TRY(capi_remote_net(&net, err));
    return capi_net_fetch(net, url, CAPI_SCRIPT_BYTES_MAX, NULL, arena, text, err);
}

capi_status capi_remote_fetch(void *context, capi_str url, capi_arena *arena, capi_str *text, capi_err *err)
{
    (void)context;
    if (capi_file_url_is_elsewhere(url))
        return capi_err_set(err, CAPI_INVALID, "\"%.*s\" names another machine, expected file:///path or a plain path",
                            CAPI_STR_ARG(url));
    if (capi_url_scheme(url) == CAPI_SCHEME_LOCAL)
        return capi_file_read_all(capi_str_copy(arena, capi_url_local_path(url)).data, CAPI_SCRIPT_BYTES_MAX, arena,
                                  text, err);
    return fetch_elsewhere(url, arena, text, err);
}
