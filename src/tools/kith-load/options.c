/* getopt_long, and names instead of numbers in what it complains about. */
#include "tools/kith-load/options.h"

#include "base/slice.h"

#include <getopt.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

static const char usage_text
	[] = "usage: kith-load [options] login | idle | chat | presence | subscribe | store | "
	     "fetch |\n"
	     "                           handshake\n"
	     "       kith-load [options] start -- command ...\n"
	     "\n"
	     "  -H, --host HOST          where to connect (127.0.0.1)\n"
	     "  -p, --port PORT          (5222)\n"
	     "  -d, --domain DOMAIN      the server's name (localhost)\n"
	     "  -u, --user-prefix TEXT   accounts are TEXT0, TEXT1, ... (user)\n"
	     "  -w, --password TEXT      of all accounts (secret)\n"
	     "      --accounts N         how many accounts there are (as many as sessions)\n"
	     "      --first-account N    number of the first account (0)\n"
	     "      --tls KIND           none, starttls or direct (starttls)\n"
	     "      --ca FILE            check the server's certificate against FILE\n"
	     "      --sasl MECHANISM     PLAIN or SCRAM-SHA-1, -256, -512 (SCRAM-SHA-1)\n"
	     "      --no-presence        do not become available after sign-in\n"
	     "      --roster N           ask for the roster, of N items, before becoming "
	     "available\n"
	     "      --relay              chat or presence through bench/relay, not an XMPP server\n"
	     "  -n, --count N            logins, sessions, pairs or contacts (100)\n"
	     "  -c, --concurrency N      sign-ins at the same time (32)\n"
	     "  -t, --seconds S          length of the measurement, or of idleness (5)\n"
	     "      --warmup S           before the measurement (0.5)\n"
	     "  -b, --body N             bytes of a message's body, at least 32 (100)\n"
	     "  -r, --rate N             messages a second; without it one in flight per pair\n"
	     "      --updates N          presence updates to send (20)\n"
	     "      --messages N         messages for each account that is away (100)\n"
	     "  -P, --pid PID            watch this process; may be repeated\n"
	     "      --timeout S          give up when nothing happens for so long (30)\n"
	     "\n"
	     "One JSON object on standard output. See kith-load(1).\n";

enum {
	OPT_ACCOUNTS = 256,
	OPT_FIRST_ACCOUNT,
	OPT_TLS,
	OPT_CA,
	OPT_SASL,
	OPT_NO_PRESENCE,
	OPT_ROSTER,
	OPT_RELAY,
	OPT_WARMUP,
	OPT_UPDATES,
	OPT_MESSAGES,
	OPT_TIMEOUT,
};

static const struct option long_options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "host", required_argument, NULL, 'H' },
	{ "port", required_argument, NULL, 'p' },
	{ "domain", required_argument, NULL, 'd' },
	{ "user-prefix", required_argument, NULL, 'u' },
	{ "password", required_argument, NULL, 'w' },
	{ "accounts", required_argument, NULL, OPT_ACCOUNTS },
	{ "first-account", required_argument, NULL, OPT_FIRST_ACCOUNT },
	{ "tls", required_argument, NULL, OPT_TLS },
	{ "ca", required_argument, NULL, OPT_CA },
	{ "sasl", required_argument, NULL, OPT_SASL },
	{ "no-presence", no_argument, NULL, OPT_NO_PRESENCE },
	{ "roster", required_argument, NULL, OPT_ROSTER },
	{ "relay", no_argument, NULL, OPT_RELAY },
	{ "count", required_argument, NULL, 'n' },
	{ "concurrency", required_argument, NULL, 'c' },
	{ "seconds", required_argument, NULL, 't' },
	{ "warmup", required_argument, NULL, OPT_WARMUP },
	{ "body", required_argument, NULL, 'b' },
	{ "rate", required_argument, NULL, 'r' },
	{ "updates", required_argument, NULL, OPT_UPDATES },
	{ "messages", required_argument, NULL, OPT_MESSAGES },
	{ "pid", required_argument, NULL, 'P' },
	{ "timeout", required_argument, NULL, OPT_TIMEOUT },
	{ 0 },
};

/* What needs nothing but a name and a password. */
static const unsigned mechanisms = SASL_BIT(SASL_PLAIN) | (SASL_SCRAM_BITS & ~SASL_PLUS_BITS);

static _Noreturn void
refuse(const char *what, const char *value)
{
	(void)fprintf(stderr, "kith-load: %s: '%s'; see kith-load --help\n", what, value);
	exit(2);
}

static unsigned
number(const char *what, const char *text, unsigned min, unsigned max)
{
	uint64_t value;

	if (slice_to_uint(slice_of(text), max, &value) < 0 || value < min)
		refuse(what, text);
	return (unsigned)value;
}

static unsigned
milliseconds(const char *what, const char *text)
{
	char *rest;
	double seconds = strtod(text, &rest);

	if (rest == text || *rest != '\0' || !(seconds >= 0 && seconds <= 86400))
		refuse(what, text);
	return (unsigned)(seconds * 1000);
}

/* The position of text among names. */
static unsigned
choice(const char *what, const char *text, const char *const *names, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (strcmp(text, names[i]) == 0)
			return i;
	}
	refuse(what, text);
}

static void
watch(struct options *o, const char *text)
{
	if (o->procs.count == PROC_MAX)
		refuse("too many processes to watch", text);
	o->procs.pids[o->procs.count++] = (pid_t)number("not a process id", text, 1, 1U << 30);
}

/* Options that take a text or a word; false for the others. */
static bool
set_text(struct options *o, int option, const char *value)
{
	static const char *const tls_names[] = { "none", "starttls", "direct" };

	switch (option) {
	case 'H':
		o->host = value;
		return true;
	case 'd':
		o->domain = value;
		return true;
	case 'u':
		o->user_prefix = value;
		return true;
	case 'w':
		o->password = value;
		return true;
	case OPT_CA:
		o->ca = value;
		return true;
	case OPT_TLS:
		o->tls = (enum tls_kind)choice("no such kind of TLS", value, tls_names, 3);
		return true;
	case OPT_SASL:
		o->mechanism = sasl_mechanism_find(slice_of(value));
		if ((SASL_BIT(o->mechanism) & mechanisms) == 0)
			refuse("no such mechanism here", value);
		return true;
	case OPT_NO_PRESENCE:
		o->presence = false;
		return true;
	case OPT_RELAY:
		o->depth = DEPTH_PAIRED;
		return true;
	default:
		return false;
	}
}

static void
set_number(struct options *o, int option, const char *value)
{
	enum { MANY = 1000000 };

	switch (option) {
	case 'p':
		o->port = number("not a port", value, 1, 65535);
		break;
	case 'n':
		o->count = number("not a count", value, 1, MANY);
		break;
	case 'c':
		o->concurrency = number("not a count", value, 1, 10000);
		break;
	case 'b':
		o->body_bytes = number("not a size of 32 to 65536", value, 32, 65536);
		break;
	case 'r':
		o->rate = number("not a rate", value, 1, MANY);
		break;
	case 'P':
		watch(o, value);
		break;
	case 't':
		o->duration_ms = milliseconds("not a number of seconds", value);
		break;
	case OPT_WARMUP:
		o->warmup_ms = milliseconds("not a number of seconds", value);
		break;
	case OPT_TIMEOUT:
		o->timeout_ms = milliseconds("not a number of seconds", value);
		break;
	case OPT_ACCOUNTS:
		o->accounts = number("not a count", value, 1, MANY);
		break;
	case OPT_FIRST_ACCOUNT:
		o->first_account = number("not a number", value, 0, MANY);
		break;
	case OPT_UPDATES:
		o->updates = number("not a count", value, 1, MANY);
		break;
	case OPT_MESSAGES:
		o->messages = number("not a count", value, 0, MANY);
		break;
	case OPT_ROSTER:
		o->asks_roster = true;
		o->roster_items = number("not a count", value, 0, MANY);
		break;
	default:
		(void)fputs(usage_text, stderr);
		exit(2);
	}
}

static void
resolve(struct options *o)
{
	struct addrinfo *list;
	char port[8];
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };

	(void)snprintf(port, sizeof(port), "%u", o->port);
	if (getaddrinfo(o->host, port, &hints, &list) != 0)
		refuse("unknown host", o->host);
	memcpy(&o->address, list->ai_addr, list->ai_addrlen);
	o->address_len = list->ai_addrlen;
	freeaddrinfo(list);
}

static void
take_mode(struct options *o, int argc, char **argv)
{
	static const char *const modes[] = { "login", "idle", "chat", "presence", "subscribe",
		"store", "fetch", "handshake", "start" };

	if (optind >= argc)
		refuse("a mode is missing", "");
	o->mode = modes[choice("no such mode", argv[optind], modes, COUNT_OF(modes))];
	if (strcmp(o->mode, "start") == 0) {
		if (optind + 1 >= argc)
			refuse("a command is missing after", o->mode);
		o->command = argv + optind + 1;
	} else if (optind + 1 < argc) {
		refuse("one mode only", argv[optind + 1]);
	}
	if (strcmp(o->mode, "handshake") == 0) {
		o->depth = DEPTH_CONNECTED;
		o->tls = TLS_DIRECT;
	}
	if (o->depth == DEPTH_PAIRED && strcmp(o->mode, "chat") != 0 &&
		strcmp(o->mode, "presence") != 0)
		refuse("--relay is for chat and presence, not for", o->mode);
	if (o->depth == DEPTH_PAIRED && o->tls == TLS_STARTTLS)
		o->tls = TLS_NONE;
}

struct options
options_parse(int argc, char **argv)
{
	struct options o = { .host = "127.0.0.1",
		.domain = "localhost",
		.user_prefix = "user",
		.password = "secret",
		.port = 5222,
		.tls = TLS_STARTTLS,
		.mechanism = SASL_SCRAM_SHA_1,
		.count = 100,
		.concurrency = 32,
		.body_bytes = 100,
		.updates = 20,
		.messages = 100,
		.warmup_ms = 500,
		.duration_ms = 5000,
		.timeout_ms = 30000,
		.presence = true };
	int option;

	while ((option = getopt_long(argc, argv, "hH:p:d:u:w:n:c:t:b:r:P:", long_options, NULL)) !=
		-1) {
		if (option == 'h') {
			(void)fputs(usage_text, stdout);
			exit(0);
		}
		if (!set_text(&o, option, optarg))
			set_number(&o, option, optarg);
	}
	take_mode(&o, argc, argv);
	resolve(&o);
	return o;
}
