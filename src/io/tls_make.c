/* A certificate authority and a certificate of an hour's making, for servers that are tried out. */
#include "base/random.h"
#include "io/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { VALID_S = 365 * 24 * 3600, EARLIER_S = 3600, NAMES_TEXT = 65536 };

static void
set_name(X509 *certificate, const char *name)
{
	X509_NAME *subject = X509_get_subject_name(certificate);

	(void)X509_NAME_add_entry_by_txt(
		subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0);
}

static void
add_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&ctx, issuer, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	if (extension != NULL)
		(void)X509_add_ext(certificate, extension, -1);
	X509_EXTENSION_free(extension);
}

static X509 *
make_certificate(EVP_PKEY *key, const char *name)
{
	X509 *certificate = X509_new();
	uint64_t serial;

	random_bytes(&serial, sizeof(serial));
	(void)X509_set_version(certificate, X509_VERSION_3);
	(void)ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1);
	(void)X509_gmtime_adj(X509_getm_notBefore(certificate), -EARLIER_S);
	(void)X509_gmtime_adj(X509_getm_notAfter(certificate), VALID_S);
	(void)X509_set_pubkey(certificate, key);
	set_name(certificate, name);
	return certificate;
}

static void
write_names(char *text, size_t size, const char *const *domains, size_t count)
{
	size_t at = 0;

	for (size_t i = 0; i < count && at < size; i++)
		at += (size_t)snprintf(text + at, size - at, "DNS:%s,", domains[i]);
	if (at < size)
		(void)snprintf(text + at, size - at, "IP:127.0.0.1,IP:::1");
}

static FILE *
open_file(const char *directory, const char *name, struct tls_error *error)
{
	char path[4096];
	FILE *file = NULL;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd >= 0)
		file = fdopen(fd, "w");
	if (file == NULL)
		(void)snprintf(error->text, sizeof(error->text),
			"%.300s cannot be written (%s); use a directory that this user may write "
			"to",
			path, strerror(errno));
	return file;
}

static int
write_certificates(
	const char *directory, const char *name, X509 *first, X509 *second, struct tls_error *error)
{
	FILE *file = open_file(directory, name, error);

	if (file == NULL)
		return -EIO;
	(void)PEM_write_X509(file, first);
	if (second != NULL)
		(void)PEM_write_X509(file, second);
	return fclose(file) == 0 ? 0 : -EIO;
}

static int
write_key(const char *directory, EVP_PKEY *key, struct tls_error *error)
{
	FILE *file = open_file(directory, "key.pem", error);

	if (file == NULL)
		return -EIO;
	(void)PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
	return fclose(file) == 0 ? 0 : -EIO;
}

int
tls_make(const char *directory, const char *const *domains, size_t count, struct tls_error *error)
{
	EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
	X509 *ca, *certificate;
	char *names = xmalloc(NAMES_TEXT);
	int r;

	if (ca_key == NULL || key == NULL)
		die("OpenSSL cannot make a key.");
	ca = make_certificate(ca_key, "Kith's authority for trying out");
	(void)X509_set_issuer_name(ca, X509_get_subject_name(ca));
	add_extension(ca, ca, NID_basic_constraints, "critical,CA:TRUE");
	add_extension(ca, ca, NID_key_usage, "critical,keyCertSign,cRLSign");
	add_extension(ca, ca, NID_subject_key_identifier, "hash");
	(void)X509_sign(ca, ca_key, EVP_sha256());

	certificate = make_certificate(key, count > 0 ? domains[0] : "localhost");
	(void)X509_set_issuer_name(certificate, X509_get_subject_name(ca));
	write_names(names, NAMES_TEXT, domains, count);
	add_extension(certificate, ca, NID_subject_alt_name, names);
	add_extension(certificate, ca, NID_ext_key_usage, "serverAuth,clientAuth");
	add_extension(certificate, ca, NID_authority_key_identifier, "keyid");
	(void)X509_sign(certificate, ca_key, EVP_sha256());

	r = write_certificates(directory, "ca.pem", ca, NULL, error);
	if (r == 0)
		r = write_certificates(directory, "cert.pem", certificate, ca, error);
	if (r == 0)
		r = write_key(directory, key, error);
	X509_free(certificate);
	X509_free(ca);
	EVP_PKEY_free(key);
	EVP_PKEY_free(ca_key);
	free(names);
	return r;
}
