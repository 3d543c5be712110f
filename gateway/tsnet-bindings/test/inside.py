# Runs a command in a network namespace whose only way out is a TUN device, sent to the parent over descriptor 3.
import array
import fcntl
import os
import socket
import struct
import subprocess
import sys

IFF_TUN, IFF_NO_PI, IFF_VNET_HDR, TUNSETIFF = 0x0001, 0x1000, 0x4000, 0x400454CA

address4, address6, mtu, *command = sys.argv[1:]
tun = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", b"claw0", IFF_TUN | IFF_NO_PI | IFF_VNET_HDR))
channel = socket.socket(fileno=3)
channel.sendmsg([b"t"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [tun]))])
os.close(tun)
for line in (
    "link set lo up",
    f"addr add {address4}/32 dev claw0",
    f"addr add {address6}/128 dev claw0 nodad",
    f"link set claw0 mtu {mtu} up",
    "route add default dev claw0",
    "-6 route add default dev claw0",
):
    subprocess.run(["ip", *line.split()], check=True)
channel.recv(1)
channel.close()
os.execvp(command[0], command)
