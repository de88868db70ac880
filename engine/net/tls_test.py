#!/usr/bin/env python3
"""The client against a server whose certificate isn't, is, or is for another host's, to be trusted.

Usage: tls_test.py TLS_PROBE LOCALHOST.pem
"""
import http.server
import os
import ssl
import subprocess
import sys
import threading
import unittest

PROBE, CERTIFICATE = (os.path.abspath(path) for path in sys.argv[1:3])


class Handler(http.server.BaseHTTPRequestHandler):
    asked = 0

    def do_GET(self):
        Handler.asked += 1
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):  # a client that doesn't trust it hangs up
        pass


class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        Handler.asked = 0
        cls.server = Server(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        cls.server.socket = context.wrap_socket(cls.server.socket, server_side=True, do_handshake_on_connect=False)
        cls.thread = threading.Thread(target=cls.server.serve_forever)
        cls.thread.start()

    @classmethod
    def tearDownClass(cls):
        cls.server.shutdown()
        cls.thread.join()
        cls.server.server_close()

    def fetch(self, host, *ca_file):
        url = "https://%s:%d/" % (host, self.server.server_address[1])
        environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        return subprocess.run([PROBE, url, *ca_file], capture_output=True, text=True, timeout=60,
                              env=environment, check=True).stdout

    def test_a_certificate_that_nobody_vouches_for_ends_the_connection_before_the_request(self):
        before = Handler.asked
        found = self.fetch("localhost")
        self.assertTrue(found.startswith("tls 0 GET https://localhost:"), found)
        self.assertIn("expected an encrypted connection to a server that is who it says, found", found)
        self.assertEqual(Handler.asked, before)

    def test_one_that_the_request_trusts_is_taken(self):
        self.assertEqual(self.fetch("localhost", CERTIFICATE), "none 200 hello\n")

    def test_one_of_another_host_is_not(self):
        before = Handler.asked
        self.assertTrue(self.fetch("127.0.0.1", CERTIFICATE).startswith("tls 0 "))
        self.assertEqual(Handler.asked, before)

    def test_a_file_of_certificates_that_is_not_there_is_told(self):
        self.assertTrue(self.fetch("localhost", "/nowhere.pem").startswith("tls 0 "))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
