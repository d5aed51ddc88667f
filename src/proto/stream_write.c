/* What a stream says while it is negotiated. */
#include "proto/stream.h"

#include "xml/writer.h"

#define NS_STREAMS "http://etherx.jabber.org/streams"
#define NS_TLS "urn:ietf:params:xml:ns:xmpp-tls"
#define NS_SASL "urn:ietf:params:xml:ns:xmpp-sasl"
#define NS_SASL2 "urn:xmpp:sasl:2"
#define NS_BIND "urn:ietf:params:xml:ns:xmpp-bind"
#define NS_SESSION "urn:ietf:params:xml:ns:xmpp-session"
#define NS_SUB "urn:xmpp:features:pre-approval" /* RFC 6121, 3.4 */
#define NS_CB "urn:xmpp:sasl-cb:0"
#define NS_REGISTER "http://jabber.org/features/iq-register"
#define NS_LIMITS "urn:xmpp:stream-limits:0"

static void
write_if(struct buffer *out, const char *name, struct slice value)
{
	if (value.p != NULL)
		xml_write_attribute(out, name, value);
}

void
stream_write_header(
	struct buffer *out, struct slice id, struct slice from, struct slice to, struct slice lang)
{
	(void)buffer_text(out, "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
			       "xmlns:stream='" NS_STREAMS "'");
	write_if(out, "id", id);
	write_if(out, "from", from);
	write_if(out, "to", to);
	write_if(out, "xml:lang", lang);
	(void)buffer_text(out, " version='1.0'>");
}

/* For each sign-in, so not by printf, which takes ten times as long. */
static void
put(struct buffer *out, const char *const *texts)
{
	for (; *texts != NULL; texts++)
		(void)buffer_text(out, *texts);
}

static void
write_mechanisms(struct buffer *out, const char *const *mechanisms)
{
	for (; *mechanisms != NULL; mechanisms++)
		put(out, (const char *const[]){ "<mechanism>", *mechanisms, "</mechanism>", NULL });
}

/* XEP-0440. */
static void
write_bindings(struct buffer *out, const char *const *bindings)
{
	if (bindings == NULL || *bindings == NULL)
		return;
	(void)buffer_text(out, "<sasl-channel-binding xmlns='" NS_CB "'>");
	for (; *bindings != NULL; bindings++)
		put(out,
			(const char *const[]){ "<channel-binding type='", *bindings, "'/>", NULL });
	(void)buffer_text(out, "</sasl-channel-binding>");
}

void
stream_write_features(struct stream *stream, struct buffer *out, const struct stream_offer *offer)
{
	unsigned features = offer->features;

	stream->features = (uint8_t)features;
	(void)buffer_text(out, "<stream:features>");
	if ((features & FEATURE_TLS) != 0)
		(void)buffer_printf(out, "<starttls xmlns='" NS_TLS "'>%s</starttls>",
			(features & FEATURE_TLS_REQUIRED) != 0 ? "<required/>" : "");
	if ((features & FEATURE_SASL) != 0) {
		(void)buffer_text(out, "<mechanisms xmlns='" NS_SASL "'>");
		write_mechanisms(out, offer->mechanisms);
		(void)buffer_text(out, "</mechanisms>");
	}
	if ((features & FEATURE_SASL2) != 0) {
		(void)buffer_text(out, "<authentication xmlns='" NS_SASL2 "'>");
		write_mechanisms(out, offer->mechanisms);
		(void)buffer_text(out, "<inline>");
		(void)buffer_append(out, offer->inlined);
		(void)buffer_text(out, "</inline>");
		(void)buffer_append(out, offer->tasks);
		(void)buffer_text(out, "</authentication>");
	}
	if ((features & FEATURE_SASL) != 0)
		write_bindings(out, offer->bindings);
	if ((features & FEATURE_BIND) != 0)
		(void)buffer_text(out, "<bind xmlns='" NS_BIND "'/><session xmlns='" NS_SESSION
				       "'><optional/></session><sub xmlns='" NS_SUB "'/>");
	if ((features & FEATURE_REGISTER) != 0)
		(void)buffer_text(out, "<register xmlns='" NS_REGISTER "'/>");
	/* XEP-0478: what this stream takes, and when it is asked for a sign of life. */
	(void)buffer_printf(out, "<limits xmlns='" NS_LIMITS "'><max-bytes>%llu</max-bytes>",
		(unsigned long long)offer->stanza_bytes);
	if (offer->idle_s > 0)
		(void)buffer_printf(out, "<idle-seconds>%u</idle-seconds>", offer->idle_s);
	(void)buffer_text(out, "</limits>");
	(void)buffer_append(out, offer->more);
	(void)buffer_text(out, "</stream:features>");
}

void
stream_write_proceed(struct buffer *out)
{
	(void)buffer_text(out, "<proceed xmlns='" NS_TLS "'/>");
}

static void
write_sasl(struct buffer *out, const char *name, const char *ns, struct slice data)
{
	put(out, (const char *const[]){ "<", name, " xmlns='", ns, "'", NULL });
	if (data.p == NULL) {
		(void)buffer_text(out, "/>");
		return;
	}
	(void)buffer_text(out, ">");
	(void)buffer_append(out, data);
	put(out, (const char *const[]){ "</", name, ">", NULL });
}

void
stream_write_challenge(struct buffer *out, bool is_sasl2, struct slice data)
{
	write_sasl(out, "challenge", is_sasl2 ? NS_SASL2 : NS_SASL, data);
}

void
stream_write_success(struct buffer *out, struct slice data)
{
	write_sasl(out, "success", NS_SASL, data);
}

static void
write_additional(struct buffer *out, struct slice data)
{
	if (data.p == NULL)
		return;
	(void)buffer_text(out, "<additional-data>");
	(void)buffer_append(out, data);
	(void)buffer_text(out, "</additional-data>");
}

void
stream_write_continue(struct buffer *out, struct slice data, const char *task)
{
	(void)buffer_text(out, "<continue xmlns='" NS_SASL2 "'>");
	write_additional(out, data);
	put(out,
		(const char *const[]){ "<tasks><task>", task, "</task></tasks></continue>", NULL });
}

void
stream_begin_success2(struct buffer *out, struct slice data, const struct jid *jid)
{
	(void)buffer_text(out, "<success xmlns='" NS_SASL2 "'>");
	write_additional(out, data);
	(void)buffer_text(out, "<authorization-identifier>");
	xml_write_text(out, jid->full);
	(void)buffer_text(out, "</authorization-identifier>");
}

void
stream_end_success2(struct buffer *out)
{
	(void)buffer_text(out, "</success>");
}

void
stream_write_failure(struct buffer *out, bool is_sasl2, const char *condition, const char *text)
{
	(void)buffer_printf(out, "<failure xmlns='%s'><%s%s/>", is_sasl2 ? NS_SASL2 : NS_SASL,
		condition, is_sasl2 ? " xmlns='" NS_SASL "'" : "");
	if (text != NULL) {
		(void)buffer_text(out, "<text xml:lang='en'>");
		xml_write_text(out, slice_of(text));
		(void)buffer_text(out, "</text>");
	}
	(void)buffer_text(out, "</failure>");
}

void
stream_write_bound(struct buffer *out, struct slice id, const struct jid *jid)
{
	(void)buffer_text(out, "<iq type='result'");
	xml_write_attribute(out, "id", id);
	(void)buffer_text(out, "><bind xmlns='" NS_BIND "'><jid>");
	xml_write_text(out, jid->full);
	(void)buffer_text(out, "</jid></bind></iq>");
}

void
stream_write_starttls(struct buffer *out)
{
	(void)buffer_text(out, "<starttls xmlns='" NS_TLS "'/>");
}

void
stream_write_auth(
	struct stream *stream, struct buffer *out, const char *mechanism, struct slice data)
{
	stream->in_sasl = true;
	(void)buffer_printf(out, "<auth xmlns='" NS_SASL "' mechanism='%s'>", mechanism);
	if (data.p != NULL)
		(void)buffer_append(out, data);
	(void)buffer_text(out, "</auth>");
}

void
stream_write_response(struct buffer *out, struct slice data)
{
	write_sasl(out, "response", NS_SASL, data);
}

void
stream_write_bind(struct stream *stream, struct buffer *out, struct slice resource)
{
	(void)stream;
	(void)buffer_text(out, "<iq type='set' id='bind'><bind xmlns='" NS_BIND "'>");
	if (resource.p != NULL) {
		(void)buffer_text(out, "<resource>");
		xml_write_text(out, resource);
		(void)buffer_text(out, "</resource>");
	}
	(void)buffer_text(out, "</bind></iq>");
}

void
stream_write_close(struct buffer *out)
{
	(void)buffer_text(out, "</stream:stream>");
}
