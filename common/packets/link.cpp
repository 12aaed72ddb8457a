#include "common/packets/link.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <deque>
#include <utility>

#include "common/core/error.h"
#include "common/packets/kiss.h"

namespace semcodec {
namespace {

constexpr std::size_t kUdpHeaders = 28, kLengthBytes = 2;
constexpr std::size_t kAx25Framing = kAx25Header + 4;  // two flags and a check of two bytes

/// A descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int descriptor = -1) : descriptor_(descriptor) {}
  Descriptor(Descriptor&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~Descriptor() {
    if (descriptor_ > STDIN_FILENO) ::close(descriptor_);
  }
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

std::string cause() { return std::string(": ") + std::strerror(errno) + "."; }

struct Resolved {
  Descriptor socket;
  sockaddr_storage address{};
  socklen_t size = 0;
};

/// A socket for the first address that `use` accepts.
template <typename Use>
Resolved open_socket(const LinkAddress& address, int type, ErrorKind kind, Use use) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = type;
  hints.ai_flags = address.host.empty() ? AI_PASSIVE : 0;
  addrinfo* found = nullptr;
  const char* host = address.host.empty() ? "0.0.0.0" : address.host.c_str();
  const int code = ::getaddrinfo(host, address.port.c_str(), &hints, &found);
  const std::string name = address.scheme + "://" + address.host + ":" + address.port;
  require(code == 0, kind, "Cannot open " + name + ": " + ::gai_strerror(code) + ".");
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, ::freeaddrinfo);
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    Resolved out;
    out.socket = Descriptor(::socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, 0));
    if (out.socket.get() < 0) continue;
    std::memcpy(&out.address, at->ai_addr, at->ai_addrlen);
    out.size = at->ai_addrlen;
    if (use(out)) return out;
  }
  throw Error(kind, "Cannot open " + name + cause());
}

bool connect_to(const Resolved& to) {
  return ::connect(to.socket.get(), reinterpret_cast<const sockaddr*>(&to.address), to.size) == 0;
}

/// Waits until there is something to read; false after the timeout or when interrupted.
bool wait_for(int descriptor, std::chrono::milliseconds timeout) {
  pollfd entry{descriptor, POLLIN, 0};
  return ::poll(&entry, 1, static_cast<int>(timeout.count())) > 0;
}

class ByteOutput final : public PacketOutput {
 public:
  explicit ByteOutput(std::function<void(std::span<const std::uint8_t>)> bytes)
      : bytes_(std::move(bytes)) {}
  void send(std::span<const std::uint8_t> packet) override {
    PacketBytes out{static_cast<std::uint8_t>(packet.size() >> 8),
                    static_cast<std::uint8_t>(packet.size() & 255)};
    out.insert(out.end(), packet.begin(), packet.end());
    bytes_(out);
  }

 private:
  std::function<void(std::span<const std::uint8_t>)> bytes_;
};

class UdpOutput final : public PacketOutput {
 public:
  explicit UdpOutput(const LinkAddress& address)
      : link_(open_socket(address, SOCK_DGRAM, ErrorKind::output, connect_to)) {}
  void send(std::span<const std::uint8_t> packet) override {
    // Nobody listening yet, or a full queue, is a loss like any other.
    const ssize_t sent = ::send(link_.socket.get(), packet.data(), packet.size(), 0);
    require(sent >= 0 || errno == ECONNREFUSED || errno == ENOBUFS || errno == EINTR ||
                errno == EAGAIN || errno == ENETUNREACH || errno == EHOSTUNREACH,
            ErrorKind::output, "Cannot send a packet" + cause());
  }

 private:
  Resolved link_;
};

class KissOutput final : public PacketOutput {
 public:
  explicit KissOutput(const LinkAddress& address)
      : link_(open_socket(address, SOCK_STREAM, ErrorKind::output, connect_to)),
        call_(address.call) {}
  void send(std::span<const std::uint8_t> packet) override {
    const PacketBytes frame = kiss_frame(ax25_frame(call_, packet));
    for (std::size_t at = 0; at < frame.size();) {
      const ssize_t sent =
          ::send(link_.socket.get(), frame.data() + at, frame.size() - at, MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      require(sent > 0, ErrorKind::output, "The TNC takes no more packets" + cause());
      at += static_cast<std::size_t>(sent);
    }
  }

 private:
  Resolved link_;
  std::string call_;
};

class UdpInput final : public PacketInput {
 public:
  explicit UdpInput(const LinkAddress& address)
      : link_(open_socket(address, SOCK_DGRAM, ErrorKind::input, [](const Resolved& at) {
          const int yes = 1, room = 1 << 20;
          ::setsockopt(at.socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
          ::setsockopt(at.socket.get(), SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
          if (::bind(at.socket.get(), reinterpret_cast<const sockaddr*>(&at.address), at.size) !=
              0) {
            return false;
          }
          return join_group(at);
        })) {}
  State receive(PacketBytes& packet, std::chrono::milliseconds timeout) override {
    if (!wait_for(link_.socket.get(), timeout)) return State::nothing;
    packet.resize(kMaxPacket + 1);
    const ssize_t got = ::recv(link_.socket.get(), packet.data(), packet.size(), 0);
    if (got < 0) {
      require(errno == EINTR || errno == EAGAIN || errno == ECONNREFUSED, ErrorKind::input,
              "Cannot receive packets" + cause());
      return State::nothing;
    }
    packet.resize(static_cast<std::size_t>(got));
    return State::packet;
  }

 private:
  /// Where the address is a multicast group, that too.
  static bool join_group(const Resolved& at) {
    if (at.address.ss_family != AF_INET) return true;
    ip_mreq request{};
    request.imr_multiaddr = reinterpret_cast<const sockaddr_in*>(&at.address)->sin_addr;
    if (!IN_MULTICAST(ntohl(request.imr_multiaddr.s_addr))) return true;
    return ::setsockopt(at.socket.get(), IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request) ==
           0;
  }

  Resolved link_;
};

class KissInput final : public PacketInput {
 public:
  explicit KissInput(const LinkAddress& address)
      : link_(open_socket(address, SOCK_STREAM, ErrorKind::input, connect_to)) {}
  State receive(PacketBytes& packet, std::chrono::milliseconds timeout) override {
    if (ready_.empty() && wait_for(link_.socket.get(), timeout)) {
      std::uint8_t buffer[4096];
      const ssize_t got = ::recv(link_.socket.get(), buffer, sizeof buffer, 0);
      if (got == 0) return State::end;
      require(got > 0 || errno == EINTR, ErrorKind::input, "Cannot read from the TNC" + cause());
      reader_.push({buffer, static_cast<std::size_t>(std::max<ssize_t>(got, 0))},
                   [&](std::span<const std::uint8_t> frame) {
                     if (const auto information = ax25_information(frame)) {
                       ready_.emplace_back(information->begin(), information->end());
                     }
                   });
    }
    if (ready_.empty()) return State::nothing;
    packet = std::move(ready_.front());
    ready_.pop_front();
    return State::packet;
  }

 private:
  Resolved link_;
  KissReader reader_;
  std::deque<PacketBytes> ready_;
};

/// Packets behind their lengths.
class ByteInput final : public PacketInput {
 public:
  explicit ByteInput(const std::string& path)
      : file_(path == "-" ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    require(file_.get() >= 0, ErrorKind::input, "Cannot open " + path + cause());
    struct stat about {};
    require(::fstat(file_.get(), &about) != 0 || !S_ISDIR(about.st_mode), ErrorKind::input,
            path + " is a folder, not a file of packets.");
  }
  State receive(PacketBytes& packet, std::chrono::milliseconds timeout) override {
    while (!take(packet)) {
      if (!wait_for(file_.get(), timeout)) return State::nothing;
      const std::size_t old = buffer_.size();
      buffer_.resize(old + 65536);
      const ssize_t got = ::read(file_.get(), buffer_.data() + old, 65536);
      buffer_.resize(old + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
      if (got == 0) return State::end;
      require(got > 0 || errno == EINTR, ErrorKind::input, "Cannot read packets" + cause());
    }
    return State::packet;
  }

 private:
  bool take(PacketBytes& packet) {
    const std::span<const std::uint8_t> left = std::span(buffer_).subspan(at_);
    const std::size_t size =
        left.size() < kLengthBytes ? 0 : static_cast<std::size_t>(left[0] << 8 | left[1]);
    if (left.size() < kLengthBytes + size || left.size() < kLengthBytes) {
      buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(at_));
      at_ = 0;
      return false;
    }
    const auto body = left.subspan(kLengthBytes, size);
    packet.assign(body.begin(), body.end());
    at_ += kLengthBytes + size;
    return true;
  }

  Descriptor file_;
  PacketBytes buffer_;
  std::size_t at_ = 0;
};

[[noreturn]] void refuse(const std::string& address, const std::string& why) {
  throw Error(ErrorKind::usage, address + " is no address of a link: " + why +
                                    "; write udp://HOST:PORT?pkt=N or "
                                    "kiss://HOST:PORT?call=CALL&pkt=N.");
}

}  // namespace

bool is_link(const std::string& address) {
  return address.starts_with("udp://") || address.starts_with("kiss://");
}

LinkAddress parse_link(const std::string& address) {
  LinkAddress out;
  out.scheme = "file";
  if (!is_link(address)) return out;
  const std::size_t begin = address.find("://");
  out.scheme = address.substr(0, begin);
  const std::size_t question = address.find('?');
  std::string place = address.substr(begin + 3, question - begin - 3);
  if (!place.empty() && place[0] == '@') place.erase(0, 1);  // as libav writes a receiver
  const std::size_t colon = place.rfind(':');
  if (colon == std::string::npos) refuse(address, "it has no port");
  out.host = place.substr(0, colon);
  out.port = place.substr(colon + 1);
  if (out.host.size() > 2 && out.host.front() == '[' && out.host.back() == ']') {
    out.host = out.host.substr(1, out.host.size() - 2);
  }
  const auto number = [&](const std::string& text, std::size_t most) {
    std::size_t value = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc{} || end != text.data() + text.size() || value < 1 || value > most) {
      refuse(address, "'" + text + "' is no number from 1 to " + std::to_string(most));
    }
    return value;
  };
  number(out.port, 65535);
  for (std::size_t at = question; at != std::string::npos;) {
    const std::size_t end = address.find('&', at + 1);
    const std::string part = address.substr(at + 1, end - at - 1);
    at = end;
    if (part.starts_with("pkt=")) {
      out.packet_size = number(part.substr(4), kMaxPacket);
    } else if (part.starts_with("call=") && out.scheme == "kiss") {
      out.call = part.substr(5);
      if (!ax25_address(out.call)) refuse(address, "'" + out.call + "' is no call sign");
    } else {
      refuse(address, "'" + part + "' is not known");
    }
  }
  return out;
}

std::size_t usual_packet_size(const LinkAddress& address) {
  return address.scheme == "udp" ? 1200 : address.scheme == "kiss" ? 240 : 200;
}

std::size_t transport_bytes(const LinkAddress& address) {
  return address.scheme == "udp"    ? kUdpHeaders
         : address.scheme == "kiss" ? kAx25Framing
                                    : kLengthBytes;
}

std::unique_ptr<PacketOutput> packets_into(
    std::function<void(std::span<const std::uint8_t>)> bytes) {
  return std::make_unique<ByteOutput>(std::move(bytes));
}

std::unique_ptr<PacketOutput> open_packet_output(const LinkAddress& address) {
  require(!address.host.empty(), ErrorKind::usage, "A link to send to needs a host.");
  if (address.scheme == "udp") return std::make_unique<UdpOutput>(address);
  require(!address.call.empty(), ErrorKind::usage,
          "AX.25 frames carry the sender's call sign: kiss://HOST:PORT?call=N0CALL.");
  return std::make_unique<KissOutput>(address);
}

std::unique_ptr<PacketInput> open_packet_input(const std::string& path_or_address) {
  const LinkAddress address = parse_link(path_or_address);
  if (address.scheme == "udp") return std::make_unique<UdpInput>(address);
  if (address.scheme == "kiss") return std::make_unique<KissInput>(address);
  return std::make_unique<ByteInput>(path_or_address);
}

}  // namespace semcodec
