/*
 * OpenSSL between the loop's shared buffers: ciphertext that came is read out of the buffer into
 * which it was received, and what is to be sent is gathered and sent once. At rest a connection
 * holds OpenSSL's own state and no buffer.
 *
 * Early data (RFC 8446, 2.3) may be a repetition of what somebody else sent, until the handshake is
 * over. So only owners that say so are given any, and to them conn_is_early tells.
 */
#include "io/tls.h"

#include "io/conn_internal.h"
#include "io/timer.h"
#include "io/tls_internal.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

enum { RECORD = 16 * 1024, SENT_AT_ONCE = 64 * 1024, PENDING_LIMIT = 64 * 1024 * 1024 };
/* Whoever cannot finish the handshake has only repeated, or held up, what another sent. */
enum { EARLY_MS = 10000 };

struct tls {
	SSL *ssl;
	struct slice cipher;   /* what was received and not read yet */
	struct buffer pending; /* ciphertext to send */
	bool is_secured;
	bool awaits_early; /* the client may send some, and has not said that this was all */
	bool is_early;     /* it has, and the handshake is not over */
};

static int
bio_read(BIO *bio, char *out, int size)
{
	struct tls *tls = BIO_get_data(bio);
	size_t n = (size_t)size < tls->cipher.len ? (size_t)size : tls->cipher.len;

	BIO_clear_retry_flags(bio);
	if (n == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	memcpy(out, tls->cipher.p, n);
	tls->cipher = slice_from(tls->cipher, n);
	return (int)n;
}

static int
bio_write(BIO *bio, const char *bytes, int size)
{
	struct tls *tls = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	return buffer_append(&tls->pending, slice_make(bytes, (size_t)size)) < 0 ? -1 : size;
}

static long
bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP;
}

BIO_METHOD *
tls_make_method(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "kith");

	if (method == NULL)
		die("Out of memory: OpenSSL cannot make a BIO.");
	(void)BIO_meth_set_read(method, bio_read);
	(void)BIO_meth_set_write(method, bio_write);
	(void)BIO_meth_set_ctrl(method, bio_ctrl);
	return method;
}

/* Sends the ciphertext that waits. */
static void
send_pending(struct conn *conn)
{
	struct tls *tls = conn->tls;
	ssize_t n;

	if (tls->pending.len == 0)
		return;
	n = conn_send_raw(conn, tls->pending.data, tls->pending.len);
	if (n == -EAGAIN)
		return;
	if (n < 0) {
		conn_end(conn, (int)-n);
		return;
	}
	buffer_consume(&tls->pending, (size_t)n);
	if (tls->pending.len == 0)
		conn_release_block(conn->loop, &tls->pending);
}

static void
give_up(struct conn *conn)
{
	/* The alert that OpenSSL wrote goes out if the socket takes it. */
	ERR_clear_error();
	send_pending(conn);
	conn_end(conn, EPROTO);
}

static void
early_timed_out(struct timer *timer)
{
	conn_end(container_of(timer, struct conn, timer), ETIMEDOUT);
}

void
tls_watch_early(struct conn *conn)
{
	if (conn->tls == NULL || !conn->tls->is_early)
		return;
	conn->timer.fire = early_timed_out;
	timer_start(conn->loop, &conn->timer, EARLY_MS);
}

/* False: more has to come, or the connection is over. */
static bool
read_early(struct conn *conn)
{
	struct tls *tls = conn->tls;

	while (!conn->is_dead) {
		size_t len = 0;
		int r = SSL_read_early_data(tls->ssl, conn->loop->plain_in, SHARED_BYTES, &len);

		if (r == SSL_READ_EARLY_DATA_FINISH) {
			tls->awaits_early = false;
			return true;
		}
		if (r == SSL_READ_EARLY_DATA_ERROR) {
			if (SSL_get_error(tls->ssl, 0) != SSL_ERROR_WANT_READ)
				give_up(conn);
			else
				conn_mark_dirty(conn);
			return false;
		}
		if (!tls->is_early) {
			tls->is_early = true;
			tls_watch_early(conn);
		}
		if (len > 0 && !conn->closing)
			conn_give(conn, slice_make(conn->loop->plain_in, len));
		ERR_clear_error();
	}
	return false;
}

static void
become_secured(struct conn *conn)
{
	bool was_early = conn->tls->is_early;

	conn->tls->is_secured = true;
	conn->tls->is_early = false;
	if (was_early)
		timer_stop(conn->loop, &conn->timer);
	if (conn->handler->secured != NULL)
		conn->handler->secured(conn);
	/* What its owner was not given yet. */
	if (was_early && !conn->is_dead)
		conn_feed(conn);
}

static void
shake_hands(struct conn *conn)
{
	struct tls *tls = conn->tls;
	int r;

	conn_take_block(conn->loop, &tls->pending);
	ERR_clear_error();
	if (tls->awaits_early && !read_early(conn))
		return;
	r = SSL_do_handshake(tls->ssl);
	if (r == 1) {
		become_secured(conn);
	} else if (SSL_get_error(tls->ssl, r) != SSL_ERROR_WANT_READ) {
		give_up(conn);
		return;
	}
	if (!conn->is_dead)
		conn_mark_dirty(conn);
}

/* Reads records into the shared buffer until there is no more, or it is full. */
static size_t
read_plain(struct conn *conn, bool *ended_out)
{
	struct tls *tls = conn->tls;
	size_t len = 0;

	*ended_out = false;
	while (len < SHARED_BYTES) {
		int n = SSL_read(tls->ssl, conn->loop->plain_in + len, (int)(SHARED_BYTES - len));

		if (n <= 0) {
			*ended_out = SSL_get_error(tls->ssl, n) != SSL_ERROR_WANT_READ;
			break;
		}
		len += (size_t)n;
	}
	return len;
}

void
tls_take(struct conn *conn, struct slice cipher)
{
	struct tls *tls = conn->tls;
	bool ended = false;

	tls->cipher = cipher;
	if (!tls->is_secured)
		shake_hands(conn);
	while (!conn->is_dead && tls->is_secured && !ended) {
		size_t len;

		ERR_clear_error();
		conn_take_block(conn->loop, &tls->pending);
		len = read_plain(conn, &ended);
		if (len > 0 && !conn->closing)
			conn_give(conn, slice_make(conn->loop->plain_in, len));
		if (len < SHARED_BYTES)
			break;
	}
	if (conn->is_dead)
		return;
	if (ended && (SSL_get_shutdown(tls->ssl) & SSL_RECEIVED_SHUTDOWN) != 0)
		conn_end(conn, 0);
	else if (ended)
		give_up(conn);
	else if (tls->pending.len == 0)
		conn_release_block(conn->loop, &tls->pending);
	else
		conn_mark_dirty(conn);
}

/* Whoever sent early data reads the answer only if it can finish the handshake. */
static size_t
write_record(struct tls *tls, const char *bytes, size_t left)
{
	size_t most = left < RECORD ? left : RECORD, len = 0;
	int r;

	ERR_clear_error();
	r = tls->is_early ? SSL_write_early_data(tls->ssl, bytes, most, &len)
			  : SSL_write_ex(tls->ssl, bytes, most, &len);
	return r == 1 ? len : 0;
}

void
tls_flush(struct conn *conn)
{
	struct tls *tls = conn->tls;
	bool may_write = tls->is_secured || tls->is_early;
	size_t sent = 0;

	if (may_write && !conn->armed_output && conn->out.len > 0)
		conn_take_block(conn->loop, &tls->pending);
	while (may_write && !conn->armed_output && sent < conn->out.len) {
		size_t n = write_record(tls, conn->out.data + sent, conn->out.len - sent);

		if (n == 0) {
			give_up(conn);
			return;
		}
		sent += n;
		/* Not all at once: what waits for a slow reader would wait twice. */
		if (tls->pending.len >= SENT_AT_ONCE)
			send_pending(conn);
		if (conn->is_dead)
			return;
	}
	buffer_consume(&conn->out, sent);
	send_pending(conn);
}

bool
tls_is_secured(const struct tls *tls)
{
	return tls->is_secured;
}

bool
tls_is_early(const struct tls *tls)
{
	return tls->is_early;
}

bool
conn_is_early(const struct conn *conn)
{
	return conn->tls != NULL && conn->tls->is_early;
}

bool
tls_is_idle(const struct tls *tls)
{
	return tls->pending.len == 0;
}

bool
conn_is_secured(const struct conn *conn)
{
	return conn->tls != NULL && tls_is_secured(conn->tls);
}

size_t
tls_waiting(const struct tls *tls)
{
	return tls->pending.len;
}

void
tls_bye(struct conn *conn)
{
	if (conn->tls == NULL || !conn->tls->is_secured)
		return;
	conn_take_block(conn->loop, &conn->tls->pending);
	ERR_clear_error();
	(void)SSL_shutdown(conn->tls->ssl);
	if (conn->tls->pending.len > 0)
		(void)conn_send_raw(conn, conn->tls->pending.data, conn->tls->pending.len);
	ERR_clear_error();
}

void
tls_free(struct conn *conn)
{
	if (conn->tls == NULL)
		return;
	SSL_free(conn->tls->ssl);
	buffer_finish(&conn->tls->pending);
	free(conn->tls);
	conn->tls = NULL;
}

static void
set_role(SSL *ssl, bool is_server, const char *domain)
{
	if (is_server) {
		SSL_set_accept_state(ssl);
		return;
	}
	SSL_set_connect_state(ssl);
	if (domain != NULL) {
		(void)SSL_set_tlsext_host_name(ssl, domain);
		(void)SSL_set1_host(ssl, domain);
	}
}

void
conn_start_tls(struct conn *conn, struct tls_context *context, bool is_server, const char *domain)
{
	struct tls *tls = xcalloc(1, sizeof(*tls));
	BIO *bio = BIO_new(tls_context_method(context));

	if (conn->out.len > 0) {
		ssize_t n = conn_send_raw(conn, conn->out.data, conn->out.len);

		buffer_consume(&conn->out, n > 0 ? (size_t)n : 0);
	}
	buffer_init(&tls->pending, PENDING_LIMIT);
	tls->ssl = SSL_new(tls_context_find(context, is_server ? domain : NULL));
	if (tls->ssl == NULL || bio == NULL)
		die("Out of memory: OpenSSL cannot make a connection.");
	BIO_set_data(bio, tls);
	BIO_set_init(bio, 1);
	SSL_set_bio(tls->ssl, bio, bio);
	set_role(tls->ssl, is_server, domain);
	tls->awaits_early = is_server && tls_context_takes_early(context);
	conn->tls = tls;
	if (!is_server)
		shake_hands(conn);
}

size_t
conn_tls_exporter(struct conn *conn, char out[64])
{
	static const char label[] = "EXPORTER-Channel-Binding";
	SSL *ssl = conn->tls == NULL ? NULL : conn->tls->ssl;

	if (ssl == NULL || !conn->tls->is_secured)
		return 0;
	/* RFC 9266 3: before TLS 1.3 only with the extended master secret. */
	if (SSL_version(ssl) < TLS1_3_VERSION && SSL_get_extms_support(ssl) != 1)
		return 0;
	if (SSL_export_keying_material(ssl, (unsigned char *)out, 32, label, sizeof(label) - 1,
		    (const unsigned char *)"", 0, 1) != 1)
		return 0;
	return 32;
}

size_t
conn_tls_unique(struct conn *conn, char out[64])
{
	SSL *ssl = conn->tls == NULL ? NULL : conn->tls->ssl;

	if (ssl == NULL || !conn->tls->is_secured ||
		(SSL_version(ssl) < TLS1_3_VERSION && SSL_get_extms_support(ssl) != 1))
		return 0;
	/* RFC 5929 3.1: the first Finished, which the server sends when a session is resumed. */
	return SSL_is_server(ssl) != SSL_session_reused(ssl) ? SSL_get_peer_finished(ssl, out, 64)
							     : SSL_get_finished(ssl, out, 64);
}

/* RFC 5929 4.1: the certificate's own hash; SHA-256 where that is MD5 or SHA-1. */
static const EVP_MD *
end_point_hash(const X509 *certificate)
{
	int nid = NID_undef;

	(void)OBJ_find_sigid_algs(X509_get_signature_nid(certificate), &nid, NULL);
	if (nid == NID_undef || nid == NID_md5 || nid == NID_sha1)
		return EVP_sha256();
	return EVP_get_digestbynid(nid);
}

size_t
conn_tls_end_point(struct conn *conn, char out[64])
{
	SSL *ssl = conn->tls == NULL ? NULL : conn->tls->ssl;
	X509 *certificate;
	unsigned len = 0;

	if (ssl == NULL || (!conn->tls->is_secured && !conn->tls->is_early))
		return 0;
	certificate = SSL_is_server(ssl) ? SSL_get_certificate(ssl)
					 : SSL_get0_peer_certificate(ssl);
	if (certificate == NULL || X509_digest(certificate, end_point_hash(certificate),
					   (unsigned char *)out, &len) != 1)
		return 0;
	return len;
}

/* A resumed session says what was true of a client's certificate once; that does not count. */
static bool
is_verified(SSL *ssl)
{
	bool is_stale = SSL_is_server(ssl) && SSL_session_reused(ssl);

	return !is_stale && SSL_get_verify_result(ssl) == X509_V_OK;
}

bool
conn_has_certificate(const struct conn *conn)
{
	return conn->tls != NULL && SSL_get0_peer_certificate(conn->tls->ssl) != NULL &&
	       is_verified(conn->tls->ssl);
}

bool
conn_peer_certificate(struct conn *conn, struct buffer *der_out)
{
	X509 *certificate = conn->tls == NULL ? NULL : SSL_get0_peer_certificate(conn->tls->ssl);
	unsigned char *der = NULL;
	int len;

	if (certificate == NULL)
		return false;
	len = i2d_X509(certificate, &der);
	if (len > 0)
		(void)buffer_append(der_out, slice_make((char *)der, (size_t)len));
	OPENSSL_free(der);
	return is_verified(conn->tls->ssl);
}

const char *
conn_tls_version(const struct conn *conn)
{
	return conn->tls == NULL ? "" : SSL_get_version(conn->tls->ssl);
}

const char *
conn_tls_cipher(const struct conn *conn)
{
	return conn->tls == NULL ? "" : SSL_get_cipher_name(conn->tls->ssl);
}
