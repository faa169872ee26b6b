/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Content by the lists of the API, which raise no pull event. */
#include "kinds.h"

hr_status
harbor_probe(hr_registry *registry, hr_call *call)
{
    return harbor_identity_learn(registry, call);
}

hr_status
harbor_list_repositories(hr_registry *registry, hr_call *call, hr_names *names)
{
    const HarborList list = {.path = "/repositories",
                             .what = "list the repositories",
                             .sort = "-creation_time"};
    json_auto_t *rows = NULL;
    HarborAsk ask;
    hr_status status = harbor_ask_begin(&ask, registry, call);

    if (status == HR_OK)
        status = harbor_list(&ask, &list, &rows);
    for (size_t i = 0; i < json_array_size(rows) && status == HR_OK; i++)
        status = dist_host->names->add(
            dist_module, call, names,
            harbor_json_text(json_array_get(rows, i), "name", ""));
    harbor_ask_end(&ask);
    return status;
}
