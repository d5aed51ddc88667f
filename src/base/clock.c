/* Clocks, and the one date format of XMPP. */
#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

uint64_t
clock_monotonic_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t
clock_monotonic_ms(void)
{
	return clock_monotonic_us() / 1000;
}

int64_t
clock_wall_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static const int64_t YEAR_0_S = -62167219200, YEAR_9999_END_S = 253402300799;

void
stamp_write(int64_t wall_ms, char out[STAMP_CHARS + 1])
{
	int64_t seconds = wall_ms / 1000, ms = wall_ms % 1000;
	struct tm tm;
	time_t t;
	char text[64];

	if (ms < 0) {
		ms += 1000;
		seconds--;
	}
	if (seconds < YEAR_0_S)
		seconds = YEAR_0_S;
	if (seconds > YEAR_9999_END_S)
		seconds = YEAR_9999_END_S;
	t = (time_t)seconds;
	(void)gmtime_r(&t, &tm);
	(void)snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", tm.tm_year + 1900,
		tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)ms);
	memcpy(out, text, STAMP_CHARS + 1);
}

/* n digits at text[at] as a number, or -1. */
static int
digits(struct slice text, size_t at, size_t n)
{
	uint64_t value;

	if (at > text.len || text.len - at < n ||
		slice_to_uint(slice_make(text.p + at, n), 9999, &value) < 0)
		return -1;
	return (int)value;
}

static bool
is_char(struct slice text, size_t at, char c)
{
	return at < text.len && text.p[at] == c;
}

/* ".123" at *at: milliseconds, and *at behind it. -1 for none or too many digits. */
static int
parse_fraction(struct slice text, size_t *at)
{
	int ms = 0, scale = 100;
	size_t start = ++*at;

	while (*at < text.len && text.p[*at] >= '0' && text.p[*at] <= '9') {
		ms += (text.p[*at] - '0') * scale;
		scale /= 10;
		(*at)++;
	}
	return *at == start || *at - start > 9 ? -1 : ms;
}

/* "Z" or "+hh:mm" to the end of the text: minutes east, or -EINVAL. */
static int
parse_zone(struct slice text, size_t at, int *minutes_out)
{
	int hours, minutes;

	*minutes_out = 0;
	if (is_char(text, at, 'Z'))
		return at + 1 == text.len ? 0 : -EINVAL;
	if (!is_char(text, at, '+') && !is_char(text, at, '-'))
		return -EINVAL;
	hours = digits(text, at + 1, 2);
	minutes = digits(text, at + 4, 2);
	if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || text.len != at + 6 ||
		!is_char(text, at + 3, ':'))
		return -EINVAL;
	*minutes_out = (hours * 60 + minutes) * (text.p[at] == '-' ? -1 : 1);
	return 0;
}

static bool
has_separators(struct slice t)
{
	return is_char(t, 4, '-') && is_char(t, 7, '-') && is_char(t, 10, 'T') &&
	       is_char(t, 13, ':') && is_char(t, 16, ':');
}

static bool
is_date(const struct tm *tm)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int year = tm->tm_year + 1900;
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	if (tm->tm_mon < 0 || tm->tm_mon > 11 || year < 0)
		return false;
	if (tm->tm_mday < 1 || tm->tm_mday > days[tm->tm_mon] + (tm->tm_mon == 1 && leap))
		return false;
	return tm->tm_hour >= 0 && tm->tm_hour <= 23 && tm->tm_min >= 0 && tm->tm_min <= 59 &&
	       tm->tm_sec >= 0 && tm->tm_sec <= 60;
}

int
stamp_parse(struct slice text, int64_t *wall_ms_out)
{
	struct tm tm = {
		.tm_year = digits(text, 0, 4) - 1900,
		.tm_mon = digits(text, 5, 2) - 1,
		.tm_mday = digits(text, 8, 2),
		.tm_hour = digits(text, 11, 2),
		.tm_min = digits(text, 14, 2),
		.tm_sec = digits(text, 17, 2),
	};
	size_t at = 19;
	int ms = 0, zone;

	if (!has_separators(text) || !is_date(&tm))
		return -EINVAL;
	if (is_char(text, at, '.'))
		ms = parse_fraction(text, &at);
	if (ms < 0 || parse_zone(text, at, &zone) < 0)
		return -EINVAL;
	*wall_ms_out = ((int64_t)timegm(&tm) - (int64_t)zone * 60) * 1000 + ms;
	return 0;
}
