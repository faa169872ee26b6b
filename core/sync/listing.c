/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Listing: referrers go under the fallback tag of their subject. */
#include "sync/listing.h"

#include "base/error.h"
#include "sync/fallback-tag.h"

typedef struct Listing {
    const HrPass *pass;
    HrGroup *group;
    HrListingOrder order;
    char *tag;
    char *turn; /* its name */
    bool has_turn;
    HrCall *call;
    HrParking parking;
    unsigned written;
} Listing;

static void
run(void *data);

/* Two endpoints may be one registry, seen by two accounts. */
static char *
turn_name(const HrPass *pass, const char *repository, const char *tag)
{
    const char *origin =
        hr_endpoint_origin(hr_registry_endpoint(pass->target));

    return g_strdup_printf(
        "%s/%s:%s", origin != NULL ? origin : hr_registry_name(pass->target),
        repository, tag);
}

static void
end(Listing *listing, const GError *error)
{
    HrGroup *group = listing->group;

    listing->order.done(listing->order.data, listing->written, error);
    g_ptr_array_unref(listing->order.entries);
    hr_call_free(listing->call);
    g_free(listing->tag);
    g_free(listing->turn);
    g_free(listing);
    hr_group_leave(group);
}

static void
resume(void *data)
{
    Listing *listing = data;

    listing->has_turn = true;
    hr_pool_resume(listing->pass->lane, run, listing);
}

static void
give_turn(Listing *listing)
{
    listing->has_turn = false;
    hr_turns_give(listing->pass->turns, listing->turn);
}

/* What the source has under the tag: equal lists get equal bytes. */
static bool
read_source(const Listing *listing, HrManifest **like, GError **error)
{
    const HrPass *pass = listing->pass;
    const HrFallbackTag tag = {
        .registry = pass->source,
        .call = listing->call,
        .repository = listing->order.source_repository,
        .name = listing->tag,
    };

    return hr_registry_referrer_lists(pass->source) ==
               HR_REFERRER_LISTS_THERE ||
           hr_fallback_tag_read(&tag, like, error);
}

static bool
update(Listing *listing, GError **error)
{
    const HrPass *pass = listing->pass;
    const HrFallbackTag tag = {
        .registry = pass->target,
        .call = listing->call,
        .repository = listing->order.target_repository,
        .name = listing->tag,
    };
    g_autoptr(HrManifest) like = NULL;

    return read_source(listing, &like, error) &&
           hr_fallback_tag_update(&tag, listing->order.entries, like,
                                  &listing->written, error);
}

static void
run(void *data)
{
    Listing *listing = data;
    const HrPass *pass = listing->pass;
    g_autoptr(GError) error = NULL;

    if (!listing->has_turn &&
        !hr_turns_take(pass->turns, listing->turn, resume, listing))
        return;
    g_clear_pointer(&listing->call, hr_call_free);
    listing->call = hr_pass_call(pass);
    update(listing, &error);
    give_turn(listing);
    if (error != NULL && hr_pass_park(pass, &listing->parking, listing->call,
                                      hr_error_status(error), run, listing))
        return;
    end(listing, error);
}

void
hr_listing_submit(const HrPass *pass, HrGroup *group,
                  const HrListingOrder *order)
{
    Listing *listing = g_new0(Listing, 1);
    g_autoptr(GError) error = NULL;

    listing->pass = pass;
    listing->group = group;
    listing->order = *order;
    listing->tag = hr_referrers_tag(order->subject);
    listing->turn = turn_name(pass, order->target_repository, listing->tag);
    if (hr_pass_submit(pass, group, run, listing))
        return;
    hr_error_set(&error, HR_CANCELLED, "interrupted before it was listed");
    hr_group_enter(group);
    end(listing, error);
}
