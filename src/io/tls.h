/*
 * TLS by OpenSSL: certificates by domain, and what SASL needs to know of a connection. One
 * context per loop, so that loops share no reference counts.
 */
#ifndef IO_TLS_H
#define IO_TLS_H

#include "base/buffer.h"
#include "io/conn.h"
#include "io/tls_tickets.h"

struct tls_context;

struct tls_error {
	char text[512]; /* cause and cure in one sentence */
};

/* A server's context without certificates. alpn: the one protocol that is spoken. */
struct tls_context *tls_context_create(const char *alpn);
void tls_context_destroy(struct tls_context **tls);

/*
 * Gives clients one ticket each, with which they resume on every loop whose context has the same
 * seed. Before the first domain is added. Not for contexts that ask for certificates: what was
 * verified then would not be verified now.
 */
void tls_context_use_tickets(struct tls_context *tls, const struct tls_ticket_seed *seed);

/*
 * Takes so many bytes before the handshake is over from clients that resume with a ticket (early
 * data). Somebody may repeat them as long as the ticket is good: conn_is_early tells, and owners
 * that do not say that they take such are given nothing until then. After tls_context_use_tickets,
 * before the first domain is added.
 */
void tls_context_take_early(struct tls_context *tls, uint32_t most);
/* Whether it does. NULL: it does not. */
bool tls_context_takes_early(const struct tls_context *tls);

/* Adds a domain's certificate chain and key (PEM files). 0, or -EINVAL with an error. */
int tls_context_add(struct tls_context *tls, const char *domain, const char *certificate,
	const char *key, struct tls_error *error);

/* Whether the domain's own certificate is valid now; true when it has none. */
bool tls_context_is_valid(const struct tls_context *tls, const char *domain);

/* From when until when it is valid, in milliseconds since 1970; false when it has none. */
bool tls_context_dates(const struct tls_context *tls, const char *domain, int64_t *first_ms_out,
	int64_t *last_ms_out);

/*
 * Takes over the fresh context's certificates, for connections that begin from now on; those that
 * are there keep theirs. On the thread of tls's loop; sets *fresh to NULL.
 */
void tls_context_renew(struct tls_context *tls, struct tls_context **fresh);

/* Asks clients for a certificate, for SASL EXTERNAL; any or none is accepted. */
void tls_context_ask_client(struct tls_context *tls, const char *ca_file);

/* A client's context that trusts the authorities of the file (NULL: the system's). */
struct tls_context *tls_client_create(
	const char *alpn, const char *ca_file, struct tls_error *error);
int tls_client_certificate(
	struct tls_context *tls, const char *certificate, const char *key, struct tls_error *error);

/*
 * Channel bindings of a secured connection (RFC 9266, RFC 5929): bytes written to out, which
 * holds 64; 0 when this connection has none. While it is early there is the end point only.
 */
size_t conn_tls_exporter(struct conn *conn, char out[64]);
size_t conn_tls_end_point(struct conn *conn, char out[64]);
/* The client's Finished, of full handshakes. */
size_t conn_tls_unique(struct conn *conn, char out[64]);

/* Early data came, and the handshake is not over. */
bool conn_is_early(const struct conn *conn);

/* Whether the peer showed a certificate that was verified. */
bool conn_has_certificate(const struct conn *conn);

/* The peer's certificate in DER, and whether it was verified; p NULL: none. In own memory. */
bool conn_peer_certificate(struct conn *conn, struct buffer *der_out);

/* "TLSv1.3" and "TLS_AES_256_GCM_SHA384"; "" when the connection is plain. */
const char *conn_tls_version(const struct conn *conn);
const char *conn_tls_cipher(const struct conn *conn);

/*
 * Makes an authority (ca.pem) and a certificate for the domains (cert.pem, key.pem) in the
 * directory; for kithd --try and tests. 0, or -errno with an error.
 */
int tls_make(
	const char *directory, const char *const *domains, size_t count, struct tls_error *error);

#endif
