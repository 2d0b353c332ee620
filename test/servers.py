"""Servers on loopback that tests start and stop: HTTP with faults, HTTPS with an authority of its own, S3 (moto), SFTP (sshd)."""
import http.server
import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
import urllib.request

from harness import Skip, check
from packages import python_with


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, process=None, seconds=30):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if process and process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("no server came up on port %d" % port)


# ---- http ----

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def do_HEAD(self):
        self.answer(False)

    def do_GET(self):
        self.answer(True)

    do_PUT = do_POST = do_DELETE = do_GET  # the page reads what comes

    def answer(self, with_body):
        server = self.server
        path = self.path.split("?")[0]
        with server.lock:
            server.requests.append((self.command, self.path, dict(self.headers)))
            count = server.counts[path] = server.counts.get(path, 0) + 1
        page = server.pages.get(path)
        if not page:
            self.say(404, b"not here")
            return
        page(self, count, with_body)

    def say(self, code, body=b"", **headers):
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def file(self, body, with_body=True, etag='"v1"', ranges=True, stop_at=None, stall=0, **more):
        """The file, or the range that is asked for; the connection breaks (or stalls) after stop_at bytes of the file. more:
        headers."""
        start, end = 0, len(body)
        wanted = self.headers.get("Range", "")
        if wanted.startswith("bytes=") and ranges and self.headers.get("If-Range", etag) == etag:
            first, last = wanted[6:].split("-")
            start, end = int(first), min(len(body), int(last) + 1 if last else len(body))
            self.send_response(206)
            self.send_header("Content-Range", "bytes %d-%d/%d" % (start, end - 1, len(body)))
        else:
            self.send_response(200)
        if ranges:
            self.send_header("Accept-Ranges", "bytes")
        if etag:
            self.send_header("ETag", etag)
        for name, value in more.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(end - start))
        self.end_headers()
        if not with_body:
            return
        stop = end if stop_at is None else min(end, max(start, stop_at))
        with self.server.lock:
            self.server.sent += stop - start
        try:
            self.wfile.write(body[start:stop])
            self.wfile.flush()
        except ConnectionError:  # the program has seen enough
            self.close_connection = True
            return
        if stop < end:
            if stall:
                time.sleep(stall)
            self.close_connection = True


class HttpServer:
    """pages: path -> function(handler, count of requests so far, with_body)."""

    def __init__(self, pages, context=None):
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # clients that go while we send are an error of the connection alone
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.pages, self.server.counts, self.server.requests = pages, {}, []
        self.server.sent = 0
        self.server.lock = threading.Lock()
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.scheme = "https" if context else "http"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.server.shutdown()
        self.server.server_close()

    def url(self, path, user=""):
        return "%s://%s127.0.0.1:%d%s" % (self.scheme, user, self.port, path)

    @property
    def requests(self):
        return list(self.server.requests)

    @property
    def sent(self):
        """Bytes of files that were sent, or thrown at somebody who had gone."""
        with self.server.lock:
            return self.server.sent


def make_authority(folder, name="authority", host="127.0.0.1"):
    """A certificate authority and a certificate of it for the host: (folder with the authority's PEM, server context)."""
    if not shutil.which("openssl"):
        raise Skip("there is no openssl program to make certificates with")

    def run(*command):
        subprocess.run(command, cwd=folder, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)

    authorities = os.path.join(folder, name)
    os.mkdir(authorities)
    key, pem = os.path.join(folder, name + ".key"), os.path.join(authorities, "ca.pem")
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", pem, "-days", "2", "-subj",
        "/CN=test authority " + name)
    run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", name + "_server.key", "-out", name + "_server.csr",
        "-subj", "/CN=" + host)
    with open(os.path.join(folder, name + ".ext"), "w", encoding="utf-8") as file:
        file.write("subjectAltName=IP:%s\n" % host)
    run("openssl", "x509", "-req", "-in", name + "_server.csr", "-CA", pem, "-CAkey", key, "-CAserial", name + ".srl", "-CAcreateserial", "-out",
        name + "_server.pem", "-days", "2", "-extfile", name + ".ext")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(folder, name + "_server.pem"), os.path.join(folder, name + "_server.key"))
    return authorities, context


# ---- processes ----

class Process:
    def __init__(self, command, port, log, **options):
        self.port = port
        self.log = open(log, "wb")
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT,
                                        **options)
        try:
            wait_for_port(port, self.process)
        except AssertionError:
            self.stop()
            with open(log, encoding="utf-8", errors="replace") as file:
                raise AssertionError("%s does not start: %s" % (command[0], file.read()[-2000:])) from None

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.stop()


class S3(Process):
    """moto, with credentials that it checks nothing about; `environment` is what a client needs."""

    def __init__(self, box):
        self.python = python_with("moto[server]")
        port = free_port()
        super().__init__([self.python, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], port,
                         box.path("s3.log"))
        self.endpoint = "http://127.0.0.1:%d" % port
        self.environment = {**os.environ, "AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "secret",
                            "AWS_REGION": "us-east-1", "CAPI_S3_ENDPOINT": self.endpoint,
                            "AWS_EC2_METADATA_DISABLED": "true"}

    def python_code(self, code, *arguments):
        """Runs code with boto3; `s3` is its client. What it prints."""
        text = ("import sys, boto3\ns3 = boto3.client('s3', endpoint_url=%r, region_name='us-east-1', "
                "aws_access_key_id='x', aws_secret_access_key='y')\n" % self.endpoint) + code
        done = subprocess.run([self.python, "-c", text, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False)
        check(done.returncode == 0, "boto3 failed: %s" % done.stdout.decode("utf-8", "replace"))
        return done.stdout.decode()

    def get(self, bucket, key):
        with urllib.request.urlopen("%s/%s/%s" % (self.endpoint, bucket, key)) as answer:
            return answer.read()


class Sftp(Process):
    """OpenSSH's server for the user who runs the test, with keys of its own."""

    def __init__(self, box, kind="ed25519"):
        program = shutil.which("sshd") or ("/usr/sbin/sshd" if os.path.exists("/usr/sbin/sshd") else None)
        if not program or not shutil.which("ssh-keygen"):
            raise Skip("there is no sshd (Debian: openssh-server)")
        folder = box.path("ssh")
        os.mkdir(folder, 0o700)
        for name in ("host", "client"):
            subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", os.path.join(folder, name)], check=True)
        shutil.copy(os.path.join(folder, "client.pub"), os.path.join(folder, "authorized"))
        port = free_port()
        sftp = next((path for path in ("/usr/lib/openssh/sftp-server", "/usr/libexec/sftp-server") if os.path.exists(path)),
                    "internal-sftp")
        config = box.write("ssh/config", "\n".join([
            "Port %d" % port, "ListenAddress 127.0.0.1", "HostKey %s/host" % folder,
            "AuthorizedKeysFile %s/authorized" % folder, "PidFile none", "UsePAM no", "StrictModes no",
            "PasswordAuthentication no", "PermitRootLogin yes", "Subsystem sftp " + sftp, ""]))
        if os.getuid() == 0:
            os.makedirs("/run/sshd", exist_ok=True)
        self.user = pwd.getpwuid(os.getuid()).pw_name
        super().__init__([program, "-D", "-e", "-f", config], port, box.path("sshd.log"))
        with open(os.path.join(folder, "host.pub"), encoding="utf-8") as file:
            kind_name, key = file.read().split()[:2]
        self.known_hosts = box.write("ssh/known_hosts", "[127.0.0.1]:%d %s %s\n" % (port, kind_name, key))
        self.environment = {**os.environ, "CAPI_PRIVATE_KEYS": "%s:%s/client" % (self.user, folder),
                            "CAPI_KNOWN_HOSTS": self.known_hosts}

    def url(self, path):
        return "sftp://%s@127.0.0.1:%d%s" % (self.user, self.port, path)
