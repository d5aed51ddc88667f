/*
 * Certificates by domain: an SSL_CTX for each, and the choice among them when a client has named
 * its domain. Settings that all connections share are made here.
 */
#include "io/tls_internal.h"

#include "base/clock.h"
#include "base/random.h"
#include "io/tls.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

struct entry {
	char *domain;
	SSL_CTX *ctx;
};

struct tls_context {
	struct entry *entries;
	size_t count;
	char alpn[32]; /* length, then the name */
	size_t alpn_len;
	bool asks_client, uses_tickets;
	uint32_t early_most;
	struct tls_tickets tickets;
	unsigned char generation[SHA256_DIGEST_LENGTH]; /* of all certificates */
	char *ca_file;
	BIO_METHOD *method;
};

/* What OpenSSL says, behind what we say. */
static int
tell(struct tls_error *error, const char *what, const char *path)
{
	char why[160];
	unsigned long code = ERR_get_error();

	ERR_error_string_n(code, why, sizeof(why));
	(void)snprintf(error->text, sizeof(error->text), "%s%s%s (%s)", what,
		path == NULL ? "" : " ", path == NULL ? "" : path, code == 0 ? "no detail" : why);
	ERR_clear_error();
	return -EINVAL;
}

/* A client that offers only protocols we do not speak here is cut off (ALPACA). */
static int
choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
	unsigned in_len, void *arg)
{
	const struct tls_context *tls = arg;
	unsigned char *chosen;

	(void)ssl;
	if (SSL_select_next_proto(&chosen, out_len, (const unsigned char *)tls->alpn,
		    (unsigned)tls->alpn_len, in, in_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

SSL_CTX *
tls_context_find(const struct tls_context *tls, const char *domain)
{
	for (size_t i = 0; domain != NULL && i < tls->count; i++) {
		if (strcasecmp(tls->entries[i].domain, domain) == 0)
			return tls->entries[i].ctx;
	}
	return tls->count > 0 ? tls->entries[0].ctx : NULL;
}

static int
choose_certificate(SSL *ssl, int *alert, void *arg)
{
	const struct tls_context *tls = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	(void)alert;
	if (name != NULL)
		(void)SSL_set_SSL_CTX(ssl, tls_context_find(tls, name));
	return SSL_TLSEXT_ERR_OK;
}

const BIO_METHOD *
tls_context_method(const struct tls_context *tls)
{
	return tls->method;
}

static struct tls_context *
context_create(const char *alpn)
{
	struct tls_context *tls = xcalloc(1, sizeof(*tls));

	tls->method = tls_make_method();
	tls->alpn_len = (size_t)snprintf(
		tls->alpn, sizeof(tls->alpn), "%c%s", (char)strlen(alpn), alpn);
	return tls;
}

struct tls_context *
tls_context_create(const char *alpn)
{
	return context_create(alpn);
}

void
tls_context_destroy(struct tls_context **tls_ptr)
{
	struct tls_context *tls = *tls_ptr;

	*tls_ptr = NULL;
	if (tls == NULL)
		return;
	for (size_t i = 0; i < tls->count; i++) {
		SSL_CTX_free(tls->entries[i].ctx);
		free(tls->entries[i].domain);
	}
	BIO_meth_free(tls->method);
	tickets_finish(&tls->tickets);
	free(tls->ca_file);
	free(tls->entries);
	free(tls);
}

static SSL_CTX *
make_ctx(const SSL_METHOD *method)
{
	SSL_CTX *ctx = SSL_CTX_new(method);

	if (ctx == NULL)
		die("Out of memory: OpenSSL cannot make a context.");
	(void)SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					       SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_TICKET |
					       SSL_OP_IGNORE_UNEXPECTED_EOF);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
					    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_num_tickets(ctx, 0);
	(void)SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384");
	return ctx;
}

/* Whatever a client shows is taken; what it is worth is decided when it signs in. */
static int
accept_any(int ok, X509_STORE_CTX *store)
{
	(void)ok;
	(void)store;
	return 1;
}

static void
ask_client(SSL_CTX *ctx, const char *ca_file)
{
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, accept_any);
	if (ca_file != NULL)
		(void)SSL_CTX_load_verify_file(ctx, ca_file);
}

static int
use_files(SSL_CTX *ctx, const char *certificate, const char *key, struct tls_error *error)
{
	if (SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1)
		return tell(error,
			"No certificate can be read, give a PEM file with the chain:", certificate);
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		return tell(error,
			"No key that fits the certificate can be read, give its PEM file:", key);
	return 0;
}

static int
protect_ticket(const struct ticket_key *key, const unsigned char *iv, EVP_CIPHER_CTX *cipher,
	EVP_MAC_CTX *mac, int encrypts)
{
	char digest[] = "SHA256";
	unsigned char secret[TICKET_SECRET];
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, secret, sizeof(secret)),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	int ok;

	memcpy(secret, key->mac, sizeof(secret));
	ok = EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv, encrypts) == 1 &&
	     EVP_MAC_CTX_set_params(mac, params) == 1;
	OPENSSL_cleanse(secret, sizeof(secret));
	return ok;
}

/* OpenSSL's contract: 0, do not resume; 1, done; 2, done and give a new ticket; -1, an error. */
static int
ticket_key(SSL *ssl, unsigned char name[TICKET_NAME], unsigned char *iv, EVP_CIPHER_CTX *cipher,
	EVP_MAC_CTX *mac, int encrypts)
{
	struct tls_context *tls = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
	uint64_t now = clock_monotonic_ms();
	const struct ticket_key *key = encrypts ? tickets_current(&tls->tickets, now)
						: tickets_find(&tls->tickets, name, now);

	if (key == NULL)
		return 0;
	if (encrypts) {
		memcpy(name, key->name, TICKET_NAME);
		random_bytes(iv, (size_t)EVP_CIPHER_get_iv_length(EVP_aes_256_cbc()));
	}
	if (!protect_ticket(key, iv, cipher, mac, encrypts))
		return -1;
	/* RFC 8446 C.4: a ticket is used once, or clients can be told apart by it. */
	return encrypts ? 1 : 2;
}

void
tls_context_use_tickets(struct tls_context *tls, const struct tls_ticket_seed *seed)
{
	tls->uses_tickets = true;
	tickets_init(&tls->tickets, seed);
}

void
tls_context_take_early(struct tls_context *tls, uint32_t most)
{
	tls->early_most = most;
}

bool
tls_context_takes_early(const struct tls_context *tls)
{
	return tls != NULL && tls->early_most > 0 && tls->uses_tickets && !tls->asks_client;
}

static void
use_tickets(struct tls_context *tls, SSL_CTX *ctx)
{
	if (!tls->uses_tickets || tls->asks_client)
		return;
	(void)SSL_CTX_clear_options(ctx, SSL_OP_NO_TICKET);
	(void)SSL_CTX_set_num_tickets(ctx, 1);
	(void)SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, ticket_key);
	(void)SSL_CTX_set_timeout(ctx, TICKET_PERIOD_MS / 1000);
	if (!tls_context_takes_early(tls))
		return;
	(void)SSL_CTX_set_max_early_data(ctx, tls->early_most);
	(void)SSL_CTX_set_recv_max_early_data(ctx, tls->early_most);
	/* OpenSSL would keep tickets in one process's table; whoever reads this counts instead. */
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_ANTI_REPLAY);
}

/*
 * A ticket is for the certificates under which it was made: another one would change the channel
 * binding tls-server-end-point. One name for all, since OpenSSL compares before it knows the
 * domain.
 */
static void
name_generation(struct tls_context *tls)
{
	unsigned char text[SHA256_DIGEST_LENGTH + EVP_MAX_MD_SIZE];
	unsigned len = 0;
	X509 *certificate = SSL_CTX_get0_certificate(tls->entries[tls->count - 1].ctx);

	memcpy(text, tls->generation, sizeof(tls->generation));
	(void)X509_digest(certificate, EVP_sha256(), text + sizeof(tls->generation), &len);
	(void)SHA256(text, sizeof(tls->generation) + len, tls->generation);
	for (size_t i = 0; i < tls->count; i++)
		(void)SSL_CTX_set_session_id_context(
			tls->entries[i].ctx, tls->generation, sizeof(tls->generation));
}

int
tls_context_add(struct tls_context *tls, const char *domain, const char *certificate,
	const char *key, struct tls_error *error)
{
	SSL_CTX *ctx = make_ctx(TLS_server_method());
	int r = use_files(ctx, certificate, key, error);

	if (r < 0) {
		SSL_CTX_free(ctx);
		return r;
	}
	SSL_CTX_set_alpn_select_cb(ctx, choose_alpn, tls);
	(void)SSL_CTX_set_tlsext_servername_callback(ctx, choose_certificate);
	(void)SSL_CTX_set_tlsext_servername_arg(ctx, tls);
	(void)SSL_CTX_set_app_data(ctx, tls);
	if (tls->asks_client)
		ask_client(ctx, tls->ca_file);
	use_tickets(tls, ctx);
	tls->entries = xrealloc(tls->entries, size_mul(tls->count + 1, sizeof(*tls->entries)));
	tls->entries[tls->count++] = (struct entry){ xstrndup(domain, strlen(domain)), ctx };
	name_generation(tls);
	return 0;
}

/* The domain's own; NULL when it has none. */
static const X509 *
find_certificate(const struct tls_context *tls, const char *domain)
{
	for (size_t i = 0; i < tls->count; i++) {
		if (strcasecmp(tls->entries[i].domain, domain) == 0)
			return SSL_CTX_get0_certificate(tls->entries[i].ctx);
	}
	return NULL;
}

bool
tls_context_is_valid(const struct tls_context *tls, const char *domain)
{
	const X509 *cert = find_certificate(tls, domain);

	return cert == NULL || (X509_cmp_current_time(X509_get0_notAfter(cert)) > 0 &&
				       X509_cmp_current_time(X509_get0_notBefore(cert)) < 0);
}

static int64_t
ms_of(const ASN1_TIME *time)
{
	struct tm tm;

	return ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) * 1000 : 0;
}

bool
tls_context_dates(const struct tls_context *tls, const char *domain, int64_t *first_ms_out,
	int64_t *last_ms_out)
{
	const X509 *cert = find_certificate(tls, domain);

	if (cert == NULL)
		return false;
	*first_ms_out = ms_of(X509_get0_notBefore(cert));
	*last_ms_out = ms_of(X509_get0_notAfter(cert));
	return true;
}

void
tls_context_renew(struct tls_context *tls, struct tls_context **fresh)
{
	struct entry *entries = tls->entries;
	size_t count = tls->count;

	tls->entries = (*fresh)->entries;
	tls->count = (*fresh)->count;
	for (size_t i = 0; i < tls->count; i++) {
		SSL_CTX_set_alpn_select_cb(tls->entries[i].ctx, choose_alpn, tls);
		(void)SSL_CTX_set_tlsext_servername_arg(tls->entries[i].ctx, tls);
		(void)SSL_CTX_set_app_data(tls->entries[i].ctx, tls);
	}
	memcpy(tls->generation, (*fresh)->generation, sizeof(tls->generation));
	/* OpenSSL keeps the old ones as long as a connection uses them. */
	(*fresh)->entries = entries;
	(*fresh)->count = count;
	tls_context_destroy(fresh);
}

void
tls_context_ask_client(struct tls_context *tls, const char *ca_file)
{
	tls->asks_client = true;
	tls->ca_file = ca_file == NULL ? NULL : xstrndup(ca_file, strlen(ca_file));
	for (size_t i = 0; i < tls->count; i++)
		ask_client(tls->entries[i].ctx, ca_file);
}

struct tls_context *
tls_client_create(const char *alpn, const char *ca_file, struct tls_error *error)
{
	struct tls_context *tls = context_create(alpn);
	SSL_CTX *ctx = make_ctx(TLS_client_method());
	int loaded = ca_file == NULL ? SSL_CTX_set_default_verify_paths(ctx)
				     : SSL_CTX_load_verify_file(ctx, ca_file);

	tls->entries = xcalloc(1, sizeof(*tls->entries));
	tls->entries[0] = (struct entry){ xstrndup("", 0), ctx };
	tls->count = 1;
	if (loaded != 1) {
		(void)tell(error, "No authorities can be read, give a PEM file:", ca_file);
		tls_context_destroy(&tls);
		return NULL;
	}
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	(void)SSL_CTX_set_alpn_protos(
		ctx, (const unsigned char *)tls->alpn, (unsigned)tls->alpn_len);
	return tls;
}

int
tls_client_certificate(
	struct tls_context *tls, const char *certificate, const char *key, struct tls_error *error)
{
	return use_files(tls->entries[0].ctx, certificate, key, error);
}
