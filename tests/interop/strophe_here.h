/*
 * Included before libstrophe's examples that ask DNS for their server: they get the address and
 * the port of the server under test from the environment instead.
 */
#include <stdlib.h>
#include <strophe.h>

#define xmpp_connect_client(conn, host, port, callback, data) \
	xmpp_connect_client(conn, getenv("KITH_HOST"), (unsigned short)atoi(getenv("KITH_PORT")), \
		callback, data)
