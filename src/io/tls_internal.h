/* What a context gives to a connection. */
#ifndef IO_TLS_INTERNAL_H
#define IO_TLS_INTERNAL_H

#include <openssl/bio.h>
#include <openssl/ssl.h>

struct tls_context;

/* The domain's, or the first one; NULL when there is none. */
SSL_CTX *tls_context_find(const struct tls_context *tls, const char *domain);

/* The methods of the BIO between OpenSSL and a connection; the context owns them. */
const BIO_METHOD *tls_context_method(const struct tls_context *tls);
BIO_METHOD *tls_make_method(void);

#endif
