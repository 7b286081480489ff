"""What the admin listener says."""
import json

import wire


class Admin:
    def __init__(self, port):
        self.port = port
        self.address = ("127.0.0.1", port)

    def request(self, method, target, headers=(), host=None):
        data = wire.request_bytes(method, target, host or f"127.0.0.1:{self.port}", headers, b"")
        answer = wire.exchange(self.address, data, method == "HEAD")
        assert answer is not None
        return answer

    def get(self, target, headers=(), host=None):
        return self.request("GET", target, headers, host)

    def json(self, target):
        return json.loads(self.get(target).text)

    def metrics(self):
        values = {}
        for line in self.get("/metrics").text.splitlines():
            if not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                values[name] = float(value)
        return values

    def metric(self, name):
        return self.metrics()[name]
