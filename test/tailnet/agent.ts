const prelude = `
import os, random, socket, struct, sys, time
def tcp(host, port, text=b"hello"):
  with socket.create_connection((host, port), 5) as s:
    s.sendall(text); s.shutdown(socket.SHUT_WR)
    got = b""
    while part := s.recv(65536): got += part
    return got.decode()
def udp(host, port, text=b"hello", seconds=5):
  with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.settimeout(seconds); s.sendto(text, (host, port)); return s.recv(65536).decode()
def question(name, kind):
  labels = b"".join(bytes([len(each)]) + each.encode() for each in name.split("."))
  return struct.pack(">HHHHHH", 4711, 256, 1, 0, 0, 0) + labels + b"\\0" + struct.pack(">HH", kind, 1)
def answers(message, kind):
  at, found = 12, []
  while message[at]: at += 1 + message[at]
  at += 5
  for _ in range(struct.unpack(">H", message[6:8])[0]):
    while message[at] and message[at] < 192: at += 1 + message[at]
    at += 2 if message[at] else 1
    of, _, _, size = struct.unpack(">HHIH", message[at:at + 10]); at += 10
    if of == kind: found.append(socket.inet_ntop(socket.AF_INET if kind == 1 else socket.AF_INET6, message[at:at + size]))
    at += size
  return [message[3] & 15, *found]
def dns_udp(server, name, kind):
  with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.settimeout(5); s.sendto(question(name, kind), (server, 53)); return answers(s.recv(4096), kind)
def dns_tcp(server, name, kind):
  asked = question(name, kind)
  with socket.create_connection((server, 53), 5) as s:
    s.sendall(struct.pack(">H", len(asked)) + asked)
    file = s.makefile("rb"); return answers(file.read(struct.unpack(">H", file.read(2))[0]), kind)
def tried(work, *args):
  try: return work(*args)
  except OSError as e: return type(e).__name__
def say(*words): print(*words, flush=True)
`

/**
 * Words that run a Python program as an agent would: with `tcp`, `udp`, `dns_udp` and `dns_tcp` to speak plain
 * protocols, `tried` to go on after a failure and `say` to print.
 */
export function python(program: string): readonly string[] {
  return ['python3', '-c', `${prelude}${program}`]
}
