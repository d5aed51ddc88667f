/*
 * XEP-0202: Entity Time, of hosts. Where a server stands is its operator's to tell: unless the
 * zone is shown, the answer is as from one on UTC.
 */
#include "base/clock.h"
#include "server/module.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define NS_TIME "urn:xmpp:time"

enum { ZONE_CHARS = 16 };

struct entity_time {
	struct slice zone, utc;
};

static const struct field fields[] = {
	CHILD_TEXT(struct entity_time, zone, "tzo"),
	CHILD_TEXT(struct entity_time, utc, "utc"),
	FIELDS_END(struct entity_time),
};
static const struct payload payload = { "time", NS_TIME, fields };

struct time_config {
	bool show_zone;
};

extern const struct module mod_time;

/* XEP-0082 3.4: hours and minutes east of Greenwich at that moment. */
static void
write_zone(int64_t wall_ms, char out[ZONE_CHARS])
{
	time_t now = (time_t)(wall_ms / 1000);
	struct tm local;
	int minutes = 0;

	if (localtime_r(&now, &local) != NULL)
		minutes = (int)(local.tm_gmtoff / 60);
	(void)snprintf(out, ZONE_CHARS, "%c%02d:%02d", minutes < 0 ? '-' : '+', abs(minutes) / 60,
		abs(minutes) % 60);
}

enum { METRIC_REQUESTS };

static void
tell_time(struct iq *iq)
{
	const struct time_config *conf = module_config(iq->host, &mod_time);
	int64_t now = iq_wall_ms(iq);
	char zone[ZONE_CHARS] = "+00:00", utc[STAMP_CHARS + 1];
	struct entity_time answer = { slice_of(zone), NO_SLICE };

	if (conf->show_zone)
		write_zone(now, zone);
	stamp_write(now, utc);
	answer.utc = slice_of(utc);
	metric_add_iq(iq, &mod_time, METRIC_REQUESTS);
	iq_result(iq, &payload, &answer);
}

static const struct xep xeps[] = {
	{ 202, "2.0", XEP_COMPLETE },
	{ 0 },
};

static const struct option options[] = {
	OPTION_BOOL(struct time_config, show_zone, "show_zone", false,
		"Whether to tell the time zone of the machine; otherwise it seems to be UTC."),
	{ 0 },
};

static const struct metric metrics[] = {
	[METRIC_REQUESTS] = { "time_requests_total", "Times that the time was told." },
	{ 0 },
};

static const struct iq_route routes[] = {
	{ IQ_GET, TO_HOST, &payload, tell_time },
	{ 0 },
};

const struct module mod_time = {
	.name = "time",
	.about = "Tells the time of this server.",
	.xeps = xeps,
	.features = (const char *const[]){ NS_TIME, NULL },
	.options = options,
	.config_size = sizeof(struct time_config),
	.metrics = metrics,
	.routes = routes,
};
