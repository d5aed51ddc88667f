/*
 * How fast the scanner is, beside expat in the same run over the same bytes: a stream of stanzas
 * as clients send them, in reads of 16 KiB. Prints one JSON line for each kind of stanza and one
 * for what an idle stream holds. With --check it fails unless the scanner is at least four times
 * as fast on typical stanzas. Names of kinds choose only those.
 */
#include "xml/scanner.h"
#include "xml/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <expat.h>

#define HEADER \
	"<?xml version='1.0'?><stream:stream xmlns='jabber:client' " \
	"xmlns:stream='http://etherx.jabber.org/streams' to='example.net' version='1.0'>"

enum { READ_BYTES = 16384, STREAM_BYTES = 1 << 20, ROUNDS = 25 };

#define MESSAGE \
	"<message type='chat' to='juliet@example.net' from='romeo@example.net/orchard' " \
	"id='a41f0b2e-77f1'><body>Wherefore art thou, and what is in a name? A rose by " \
	"any</body><active xmlns='http://jabber.org/protocol/chatstates'/></message>"
#define PRESENCE \
	"<presence from='romeo@example.net/orchard' xml:lang='en'><show>away</show>" \
	"<status>in the garden</status><priority>5</priority>" \
	"<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' " \
	"node='https://example.net/client' ver='QgayPKawpkPSDYmwT/WM94uAlu0='/></presence>"
#define PING "<iq type='get' id='p1' to='example.net'><ping xmlns='urn:xmpp:ping'/></iq>"
#define PONG "<iq type='result' id='p2' from='example.net' to='romeo@example.net/orchard'/>"
#define ROSTER \
	"<iq type='result' id='r1'><query xmlns='jabber:iq:roster' ver='ver7'>" \
	"<item jid='nurse@example.com' name='Nurse' subscription='both'><group>Servants</group>" \
	"</item><item jid='benvolio@example.org' subscription='to'><group>Friends</group>" \
	"</item></query></iq>"
#define ESCAPED \
	"<message to='juliet@example.net' id='7'><body>if (a &lt; b &amp;&amp; b &gt; c) " \
	"return &quot;x&quot;;\n</body></message>"
#define CYRILLIC \
	"<message to='juliet@example.net' id='8'><body>" \
	"\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82, " \
	"\xd0\xba\xd0\xb0\xd0\xba \xd0\xb4\xd0\xb5\xd0\xbb\xd0\xb0? " \
	"\xd0\x92\xd1\x81\xd1\x91 \xd1\x85\xd0\xbe\xd1\x80\xd0\xbe\xd1\x88\xd0\xbe, " \
	"\xd1\x81\xd0\xbf\xd0\xb0\xd1\x81\xd0\xb8\xd0\xb1\xd0\xbe</body></message>"

struct mix {
	const char *name;
	const char *stanzas[8];
};

/* The first one is what the limit holds for; the others say where the time goes. */
static const struct mix mixes[] = {
	{ "typical", { MESSAGE, PRESENCE, CYRILLIC, PING, MESSAGE, PONG, ESCAPED, ROSTER } },
	{ "message", { MESSAGE } },
	{ "presence", { PRESENCE } },
	{ "iq", { PING, PONG, ROSTER } },
	{ "escaped", { ESCAPED } },
	{ "cyrillic", { CYRILLIC } },
};

struct result {
	uint64_t ns;
	size_t elements;
};

/* Of the processor's time: others may use the machine meanwhile. */
static uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The stream of one kind of stanza. */
static size_t
fill(struct buffer *out, const struct mix *mix)
{
	size_t count = 0;

	(void)buffer_text(out, HEADER);
	while (out->len < STREAM_BYTES) {
		for (size_t i = 0; i < COUNT_OF(mix->stanzas) && mix->stanzas[i] != NULL; i++) {
			(void)buffer_text(out, mix->stanzas[i]);
			count++;
		}
	}
	return count;
}

static size_t
count_elements(const struct xml_tokens *tokens)
{
	size_t n = 0;

	for (uint32_t i = 0; i < tokens->count; i++)
		n += tokens->v[i].kind == XML_ELEMENT;
	return n;
}

/* Reads of 16 KiB; what is left of a stanza stays before the next read, as in a session. */
static struct result
run_scanner(const struct names *names, struct slice stream, bool count)
{
	struct scanner scanner;
	struct xml_tokens tokens;
	struct arena arena;
	struct result result = { 0, 0 };
	size_t start = 0, end = 0, used;
	uint64_t began = now_ns();

	scanner_init(&scanner, names, &xml_limits_client);
	xml_tokens_init(&tokens);
	arena_init(&arena, 0);
	while (end < stream.len) {
		enum xml_event event;

		end = end + READ_BYTES < stream.len ? end + READ_BYTES : stream.len;
		do {
			event = scanner_next(&scanner, slice_make(stream.p + start, end - start),
				&tokens, &arena, &used);
			start += used;
			if (count && event != XML_NEED_MORE)
				result.elements += count_elements(&tokens);
			if (arena.taken > 0)
				arena_reset(&arena);
		} while (event == XML_HEADER || event == XML_STANZA);
	}
	result.ns = now_ns() - began;
	arena_finish(&arena);
	xml_tokens_finish(&tokens);
	scanner_finish(&scanner);
	return result;
}

static void XMLCALL
expat_start(void *data, const XML_Char *name, const XML_Char **attributes)
{
	(void)name;
	(void)attributes;
	(*(size_t *)data)++;
}

static void XMLCALL
expat_end(void *data, const XML_Char *name)
{
	(void)data;
	(void)name;
}

static void XMLCALL
expat_text(void *data, const XML_Char *text, int len)
{
	(void)data;
	(void)text;
	(void)len;
}

static struct result
run_expat(struct slice stream)
{
	XML_Parser parser = XML_ParserCreateNS("UTF-8", '\x01');
	struct result result = { 0, 0 };
	uint64_t began = now_ns();

	(void)XML_SetReparseDeferralEnabled(parser, XML_FALSE);
	XML_SetUserData(parser, &result.elements);
	XML_SetElementHandler(parser, expat_start, expat_end);
	XML_SetCharacterDataHandler(parser, expat_text);
	for (size_t at = 0; at < stream.len; at += READ_BYTES) {
		size_t n = stream.len - at < READ_BYTES ? stream.len - at : READ_BYTES;

		if (XML_Parse(parser, stream.p + at, (int)n, 0) == XML_STATUS_ERROR)
			abort();
	}
	result.ns = now_ns() - began;
	XML_ParserFree(parser);
	return result;
}

static double
least(double a, double b)
{
	return a < b ? a : b;
}

/* Both must see the same, or the comparison means nothing. */
static void
check_equal(const struct names *names, const char *name, struct slice stream)
{
	size_t ours = run_scanner(names, stream, true).elements;
	size_t theirs = run_expat(stream).elements;

	if (ours == theirs)
		return;
	(void)fprintf(stderr, "%s: the scanner sees %zu elements, expat %zu\n", name, ours, theirs);
	exit(1);
}

/* The quickest of some rounds in turn; how many times as fast as expat. */
static double
compare(const struct names *names, const struct mix *mix)
{
	struct buffer stream;
	double ours = 1e18, theirs = 1e18, stanzas, bytes;

	buffer_init(&stream, (size_t)STREAM_BYTES * 2);
	stanzas = (double)fill(&stream, mix);
	bytes = (double)stream.len;
	check_equal(names, mix->name, buffer_slice(&stream));
	for (int i = 0; i < ROUNDS; i++) {
		ours = least(ours, (double)run_scanner(names, buffer_slice(&stream), false).ns);
		theirs = least(theirs, (double)run_expat(buffer_slice(&stream)).ns);
	}
	printf("{\"stanza\":\"%s\",\"bytes\":%.0f,\"ns\":%.0f,\"mb_per_s\":%.0f,\"expat_ns\":%.0f,"
	       "\"%s\":%.1f}\n",
		mix->name, bytes / stanzas, ours / stanzas, bytes * 1000 / ours, theirs / stanzas,
		mix == mixes ? "ratio" : "part_ratio", theirs / ours);
	buffer_finish(&stream);
	return theirs / ours;
}

/* Reads the header of a usual stream and says what then remains. */
static void
print_idle(const struct names *names)
{
	struct scanner scanner;
	struct xml_tokens tokens;
	struct arena arena;
	size_t used;

	scanner_init(&scanner, names, &xml_limits_client);
	xml_tokens_init(&tokens);
	arena_init(&arena, 0);
	if (scanner_next(&scanner, SLICE(HEADER), &tokens, &arena, &used) != XML_HEADER)
		abort();
	/* The scanner itself, inside of the session; a usual header leaves nothing on the heap. */
	printf("{\"idle_bytes\":%zu}\n", scanner.context == NULL ? sizeof(scanner) : SIZE_MAX);
	arena_finish(&arena);
	xml_tokens_finish(&tokens);
	scanner_finish(&scanner);
}

/* Without arguments all kinds, else the ones that are named. */
static bool
is_wanted(const char *name, int argc, char **argv)
{
	bool named = false;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], name) == 0)
			return true;
		named |= argv[i][0] != '-';
	}
	return !named;
}

int
main(int argc, char **argv)
{
	struct names *names = names_create();
	bool check = argc > 1 && strcmp(argv[1], "--check") == 0;
	bool fast = true;

	for (size_t i = 0; i < COUNT_OF(mixes); i++) {
		if (is_wanted(mixes[i].name, argc, argv) && compare(names, &mixes[i]) < 4 && i == 0)
			fast = false;
	}
	print_idle(names);
	names_destroy(&names);
	return check && !fast ? 1 : 0;
}
