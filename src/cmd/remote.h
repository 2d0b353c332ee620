/* remote.h - files that lie elsewhere, as the configuration and the environment say: one for the process. */
#pragma once

#include "cmd/config.h"
#include "net/net.h"

/* What a configuration says; NULL: the environment alone (CAPI_CA_PATH, CAPI_PRIVATE_KEYS, ...). The texts live as long as the
 * process. Before the first use of the others; later calls change nothing. */
CAPI_MUST_USE capi_status capi_remote_configure(const capi_config *config, capi_err *err);
const capi_net_settings *capi_remote_settings(void);
/* The connections of commands that have no engine. */
CAPI_MUST_USE capi_status capi_remote_net(capi_net **out, capi_err *err);

/* Reads scripts, parameters, code and criteria from anywhere: for capi_load_options.fetch. */
capi_status capi_remote_fetch(void *context, capi_str url, capi_arena *arena, capi_str *text, capi_err *err);
