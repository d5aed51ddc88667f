/*
 * Included before libstrophe's examples that ask DNS for their server: they get the address and
 * the port of the server under test from the environment instead.
 */
#include <stdlib.h>
#include <strophe.h>

#define xmpp_connect_client(conn, host, port, callback, data) \
	xmpp_connect_client(conn, getenv("KITH_HOST"), (unsigned short)atoi(getenv("KITH_PORT")), \
		callback, data)

/*
 * The bot hangs up while it handles a message, so never acknowledges that, and with stream
 * management it would get "reconnect" again each time.
 */
#ifdef WITHOUT_SM
#define xmpp_conn_set_flags(conn, flags) \
	xmpp_conn_set_flags(conn, (flags) | XMPP_CONN_FLAG_DISABLE_SM)
#endif
