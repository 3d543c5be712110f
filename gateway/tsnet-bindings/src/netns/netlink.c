// Addresses and default routes by rtnetlink, so that no iproute2 is needed.
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "netns.h"

struct request {
  struct nlmsghdr header;
  char body[256];
};

static int netlink = -1;

static void begin(struct request *request, uint16_t type, uint16_t flags, const void *body, size_t size) {
  memset(request, 0, sizeof *request);
  request->header.nlmsg_type = type;
  request->header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
  request->header.nlmsg_len = NLMSG_LENGTH(size);
  memcpy(request->body, body, size);
}

static void attach(struct request *request, uint16_t type, const void *value, size_t size) {
  size_t at = NLMSG_ALIGN(request->header.nlmsg_len);
  struct rtattr *attribute = (struct rtattr *)((char *)request + at);
  attribute->rta_type = type;
  attribute->rta_len = (uint16_t)RTA_LENGTH(size);
  memcpy(RTA_DATA(attribute), value, size);
  request->header.nlmsg_len = (uint32_t)(at + RTA_ALIGN(attribute->rta_len));
}

static bool answered(struct request *request) {
  if (send(netlink, request, request->header.nlmsg_len, 0) < 0) return false;
  struct {
    struct nlmsghdr header;
    struct nlmsgerr error;
    char rest[512];
  } reply;
  if (recv(netlink, &reply, sizeof reply, 0) < (ssize_t)NLMSG_LENGTH(sizeof reply.error)) {
    errno = EPROTO;
    return false;
  }
  errno = -reply.error.error;
  return errno == 0;
}

static bool raise_link(unsigned index, uint32_t mtu) {
  struct ifinfomsg link = {.ifi_family = AF_UNSPEC, .ifi_index = (int)index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
  struct request request;
  begin(&request, RTM_NEWLINK, 0, &link, sizeof link);
  if (mtu != 0) attach(&request, IFLA_MTU, &mtu, sizeof mtu);
  return answered(&request);
}

static bool add_address(unsigned index, int family, const void *address, size_t size) {
  struct ifaddrmsg message = {.ifa_family = (unsigned char)family, .ifa_prefixlen = (unsigned char)(size * 8), .ifa_flags = IFA_F_NODAD, .ifa_index = index};
  struct request request;
  begin(&request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &message, sizeof message);
  attach(&request, IFA_LOCAL, address, size);
  attach(&request, IFA_ADDRESS, address, size);
  return answered(&request);
}

static bool add_default_route(unsigned index, int family) {
  struct rtmsg message = {
      .rtm_family = (unsigned char)family,
      .rtm_table = RT_TABLE_MAIN,
      .rtm_protocol = RTPROT_BOOT,
      .rtm_scope = family == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
      .rtm_type = RTN_UNICAST,
  };
  struct request request;
  begin(&request, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &message, sizeof message);
  attach(&request, RTA_OIF, &index, sizeof index);
  return answered(&request);
}

static void configure6(unsigned index, const char *text) {
  struct in6_addr address;
  if (inet_pton(AF_INET6, text, &address) != 1) {
    errno = EINVAL;
    fail("address", text);
  }
  if (add_address(index, AF_INET6, &address, sizeof address) && add_default_route(index, AF_INET6)) return;
  // the host has IPv6 switched off: then nothing can leave by it either
  if (errno != EOPNOTSUPP && errno != EAFNOSUPPORT && errno != EACCES) fail("address", text);
  warn("ipv6", text);
}

void configure_network(const struct config *config) {
  netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (netlink < 0) fail("netlink", "");
  unsigned loopback = if_nametoindex("lo");
  if (loopback == 0 || !raise_link(loopback, 0)) fail("link", "lo");
  unsigned index = if_nametoindex(INTERFACE);
  if (index == 0 || !raise_link(index, config->mtu)) fail("link", INTERFACE);

  struct in_addr address;
  errno = EINVAL;
  if (inet_pton(AF_INET, config->address4, &address) != 1) fail("address", config->address4);
  if (!add_address(index, AF_INET, &address, sizeof address)) fail("address", config->address4);
  if (!add_default_route(index, AF_INET)) fail("route", "0.0.0.0/0");
  if (config->address6 != NULL) configure6(index, config->address6);
  close(netlink);
}
