/*
 * The scanner beside expat, on the same stream of typical stanzas that arrives in the same reads of
 * 4 KiB. expat does namespaces and calls handlers that only count, so all that a server would still
 * have to do with what expat tells is not in its figure; the scanner's tokens are all that it does.
 * They take turns, and the median of the rounds counts.
 *
 * Prints {"stanza_bytes": …, "scanner_mb_s": …, "expat_mb_s": …, "ratio": …}, megabytes per second
 * of processor time.
 */
#include "base/arena.h"
#include "base/buffer.h"
#include "xml/scanner.h"

#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 9, READ_BYTES = 4096, STREAM_BYTES = 4 << 20, ARENA_BYTES = 4096 };

static const char header[] = "<?xml version='1.0'?><stream:stream to='example.org' version='1.0' "
			     "xml:lang='en' xmlns='jabber:client' "
			     "xmlns:stream='http://etherx.jabber.org/streams'>";

static const char *const stanzas[] = {
	"<message type='chat' to='juliet@example.org/balcony' id='ab12cd34'><body>Art thou not "
	"Romeo, "
	"and a Montague? Neither, fair saint, if either thee dislike.</body>"
	"<active xmlns='http://jabber.org/protocol/chatstates'/>"
	"<request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/>"
	"<origin-id xmlns='urn:xmpp:sid:0' id='de305d54-75b4-431b-adb2-eb6b9e546013'/></message>",
	"<message type='chat' to='juliet@example.org/balcony' id='x1'>"
	"<composing xmlns='http://jabber.org/protocol/chatstates'/></message>",
	"<presence><show>away</show><status>gone to the cell of Friar Laurence</status>"
	"<priority>5</priority><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' "
	"node='https://example.org/client' ver='QgayPKawpkPSDYmwT/WM94uAlu0='/></presence>",
	"<r xmlns='urn:xmpp:sm:3'/>",
	"<iq type='get' id='ping-17' to='example.org'><ping xmlns='urn:xmpp:ping'/></iq>",
	"<message type='groupchat' to='room@conference.example.org' id='gc-99'>"
	"<body>&quot;What&apos;s in a name?&quot; &amp; so on</body>"
	"<x xmlns='http://jabber.org/protocol/muc#user'/></message>",
	"<iq type='set' id='mam4'><query xmlns='urn:xmpp:mam:2' queryid='f27'>"
	"<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'>"
	"<value>urn:xmpp:mam:2</value></field><field var='with'><value>romeo@example.net</value>"
	"</field></x><set xmlns='http://jabber.org/protocol/rsm'><max>50</max><before/></set>"
	"</query></iq>",
	"<a xmlns='urn:xmpp:sm:3' h='1234'/>",
};

struct counts {
	uint64_t stanzas, elements, text_bytes;
};

static uint64_t
cpu_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void
write_stream(struct buffer *stream)
{
	buffer_init(stream, STREAM_BYTES + 65536);
	(void)buffer_text(stream, header);
	for (size_t i = 0; stream->len < STREAM_BYTES; i++)
		(void)buffer_text(stream, stanzas[i % COUNT_OF(stanzas)]);
}

static void
count_tokens(const struct xml_tokens *tokens, struct counts *counts)
{
	counts->stanzas++;
	for (uint32_t i = 0; i < tokens->count; i++) {
		if (tokens->v[i].kind == XML_ELEMENT)
			counts->elements++;
		else if (tokens->v[i].kind == XML_TEXT)
			counts->text_bytes += tokens->v[i].value.len;
	}
}

static struct counts
run_scanner(const struct names *names, struct slice stream)
{
	struct counts counts = { 0 };
	struct scanner scanner;
	struct xml_tokens tokens;
	struct arena arena;
	size_t done = 0;

	scanner_init(&scanner, names, &xml_limits_client);
	xml_tokens_init(&tokens);
	arena_init(&arena, ARENA_BYTES);
	for (size_t have = 0; have < stream.len;) {
		enum xml_event event;

		have = have + READ_BYTES < stream.len ? have + READ_BYTES : stream.len;
		do {
			size_t used = 0;
			event = scanner_next(&scanner, slice_make(stream.p + done, have - done),
				&tokens, &arena, &used);
			done += used;
			if (event == XML_STANZA)
				count_tokens(&tokens, &counts);
			arena_reset(&arena);
		} while (event == XML_STANZA || event == XML_HEADER);
		if (event != XML_NEED_MORE)
			die("scan: the scanner stopped at byte %zu", done);
	}
	arena_finish(&arena);
	xml_tokens_finish(&tokens);
	scanner_finish(&scanner);
	return counts;
}

static void
on_start(void *data, const XML_Char *name, const XML_Char **attributes)
{
	struct counts *counts = data;

	(void)name;
	(void)attributes;
	counts->elements++;
}

static void
on_end(void *data, const XML_Char *name)
{
	(void)data;
	(void)name;
}

static void
on_text(void *data, const XML_Char *text, int len)
{
	struct counts *counts = data;

	(void)text;
	counts->text_bytes += (uint64_t)len;
}

static struct counts
run_expat(struct slice stream)
{
	struct counts counts = { 0 };
	XML_Parser parser = XML_ParserCreateNS("UTF-8", '|');

	XML_SetUserData(parser, &counts);
	XML_SetElementHandler(parser, on_start, on_end);
	XML_SetCharacterDataHandler(parser, on_text);
	for (size_t done = 0; done < stream.len; done += READ_BYTES) {
		size_t n = stream.len - done < READ_BYTES ? stream.len - done : READ_BYTES;
		if (XML_Parse(parser, stream.p + done, (int)n, 0) != XML_STATUS_OK)
			die("scan: expat stopped: %s", XML_ErrorString(XML_GetErrorCode(parser)));
	}
	XML_ParserFree(parser);
	counts.elements--; /* the stream itself */
	return counts;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(double values[ROUNDS])
{
	qsort(values, ROUNDS, sizeof(values[0]), by_value);
	return values[ROUNDS / 2];
}

int
main(void)
{
	struct buffer stream;
	struct names *names = names_create();
	double ours[ROUNDS], theirs[ROUNDS];
	struct counts a = { 0 }, b = { 0 };

	write_stream(&stream);
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t t0 = cpu_ns();
		a = run_scanner(names, buffer_slice(&stream));
		uint64_t t1 = cpu_ns();
		b = run_expat(buffer_slice(&stream));
		uint64_t t2 = cpu_ns();
		ours[i] = (double)stream.len * 1000 / (double)(t1 - t0);
		theirs[i] = (double)stream.len * 1000 / (double)(t2 - t1);
	}
	if (a.elements != b.elements || a.text_bytes != b.text_bytes)
		die("scan: the two do not see the same stream");
	(void)printf("{\"stanza_bytes\": %zu, \"scanner_mb_s\": %.1f, \"expat_mb_s\": %.1f, "
		     "\"ratio\": %.3f}\n",
		stream.len / a.stanzas, median(ours), median(theirs),
		median(ours) / median(theirs));
	buffer_finish(&stream);
	names_destroy(&names);
	return 0;
}
