#include "common/packets/link.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "common/core/error.h"
#include "common/packets/kiss.h"

namespace semcodec {
namespace {

using namespace std::chrono_literals;

TEST(LinkAddress, IsTakenApart) {
  const auto udp = parse_link("udp://192.168.1.7:5004?pkt=200");
  EXPECT_EQ(udp.scheme, "udp");
  EXPECT_EQ(udp.host, "192.168.1.7");
  EXPECT_EQ(udp.port, "5004");
  EXPECT_EQ(udp.packet_size, 200u);
  EXPECT_EQ(parse_link("udp://:9000").host, "");
  EXPECT_EQ(parse_link("udp://@:9000").host, "");
  EXPECT_EQ(parse_link("udp://[::1]:9000").host, "::1");
  const auto kiss = parse_link("kiss://localhost:8001?call=DL1ABC-7&pkt=100");
  EXPECT_EQ(kiss.call, "DL1ABC-7");
  EXPECT_EQ(kiss.packet_size, 100u);
  EXPECT_EQ(parse_link("out.pkt").scheme, "file");
  for (const char* bad : {"udp://host", "udp://host:0", "udp://host:99999", "udp://host:1?pkt=0",
                          "udp://host:1?call=X", "kiss://h:1?call=TOOLONGCALL", "udp://h:1?x=1"}) {
    EXPECT_THROW(parse_link(bad), Error) << bad;
  }
}

TEST(Ax25, FramesCarryCallSigns) {
  const PacketBytes data{0xC0, 0xDB, 1, 2, 3};
  const PacketBytes frame = ax25_frame("DL1ABC-7", data);
  const PacketBytes head{'S' << 1, 'E' << 1, 'M' << 1, 'V' << 1, 'I' << 1, 'D' << 1, 0xE0, 'D' << 1,
                         'L' << 1, '1' << 1, 'A' << 1, 'B' << 1, 'C' << 1, 0x6F,     0x03, 0xF0};
  EXPECT_EQ(PacketBytes(frame.begin(), frame.begin() + 16), head);
  const auto back = ax25_information(frame);
  ASSERT_TRUE(back);
  EXPECT_EQ(PacketBytes(back->begin(), back->end()), data);
  // Through a digipeater.
  PacketBytes digi = frame;
  digi[13] = static_cast<std::uint8_t>(digi[13] & 0xFE);
  auto address = *ax25_address("DB0XYZ");
  address.back() |= 0x81;
  digi.insert(digi.begin() + 14, address.begin(), address.end());
  ASSERT_TRUE(ax25_information(digi));
  EXPECT_EQ(ax25_information(digi)->size(), data.size());
  // Frames of others, and what is none.
  PacketBytes other = frame;
  other[0] = 'X' << 1;
  EXPECT_FALSE(ax25_information(other));
  for (std::size_t length = 0; length < 16; ++length) {
    EXPECT_FALSE(ax25_information(std::span(frame).first(length)));
  }
  EXPECT_FALSE(ax25_information(PacketBytes(100, 'S' << 1)));
  EXPECT_FALSE(ax25_address("N0CALL-16"));
  EXPECT_FALSE(ax25_address(""));
  EXPECT_FALSE(ax25_address("A B"));
}

TEST(Kiss, FramesComeBackInPieces) {
  PacketBytes all;
  std::vector<PacketBytes> frames;
  for (int i = 0; i < 20; ++i) {
    PacketBytes frame;
    for (int j = 0; j < 30; ++j) frame.push_back(static_cast<std::uint8_t>(0xBF + (i * j) % 40));
    frames.push_back(frame);
    const auto bytes = kiss_frame(frame);
    all.insert(all.end(), bytes.begin(), bytes.end());
  }
  const auto noise = PacketBytes{0xC0, 0x06, 1, 2, 0xC0, 0x00, 0xDB, 0x11, 0xC0, 0xC0};
  all.insert(all.begin(), noise.begin(), noise.end());
  KissReader reader;
  std::vector<PacketBytes> got;
  for (std::size_t at = 0; at < all.size(); at += 7) {
    reader.push(
        std::span(all).subspan(at, std::min<std::size_t>(7, all.size() - at)),
        [&](std::span<const std::uint8_t> frame) { got.emplace_back(frame.begin(), frame.end()); });
  }
  EXPECT_EQ(got, frames);
}

TEST(Link, FilesHoldPacketsBehindTheirLengths) {
  const auto path =
      (std::filesystem::temp_directory_path() / ("semcodec-link-" + std::to_string(getpid())))
          .string();
  {
    std::ofstream file(path, std::ios::binary);
    const auto output = packets_into([&](std::span<const std::uint8_t> bytes) {
      file.write(reinterpret_cast<const char*>(bytes.data()),
                 static_cast<std::streamsize>(bytes.size()));
    });
    output->send(PacketBytes(300, 7));
    output->send(PacketBytes{1, 2, 3});
    file.write("\x01\x00x", 3);  // cut
  }
  const auto input = open_packet_input(path);
  PacketBytes packet;
  ASSERT_EQ(input->receive(packet, 100ms), PacketInput::State::packet);
  EXPECT_EQ(packet, PacketBytes(300, 7));
  ASSERT_EQ(input->receive(packet, 100ms), PacketInput::State::packet);
  EXPECT_EQ(packet, (PacketBytes{1, 2, 3}));
  EXPECT_EQ(input->receive(packet, 100ms), PacketInput::State::end);
  std::filesystem::remove(path);
  EXPECT_THROW(open_packet_input("/nonexistent.pkt"), Error);
  EXPECT_THROW(open_packet_input("/"), Error);
}

int free_port(int type) {
  const int socket = ::socket(AF_INET, type, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool good = ::bind(socket, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                    ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  ::close(socket);
  return good ? ntohs(address.sin_port) : 0;
}

TEST(Link, DatagramsOverUdp) {
  const std::string port = std::to_string(free_port(SOCK_DGRAM));
  ASSERT_NE(port, "0");
  const auto output = open_packet_output(parse_link("udp://127.0.0.1:" + port));
  output->send(PacketBytes{9});  // nobody listens: lost, no error
  output->send(PacketBytes{9});
  const auto input = open_packet_input("udp://:" + port);
  output->send(PacketBytes(1200, 5));
  output->send(PacketBytes{1});
  PacketBytes packet;
  ASSERT_EQ(input->receive(packet, 2000ms), PacketInput::State::packet);
  EXPECT_EQ(packet, PacketBytes(1200, 5));
  ASSERT_EQ(input->receive(packet, 2000ms), PacketInput::State::packet);
  EXPECT_EQ(packet, PacketBytes{1});
  EXPECT_EQ(input->receive(packet, 10ms), PacketInput::State::nothing);
}

TEST(Link, FramesThroughATnc) {
  // A TNC that sends back what it is given, as a repeater does.
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener, 2), 0);
  ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const std::string place = "kiss://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  std::thread tnc([&] {
    const int receiver = ::accept(listener, nullptr, nullptr);
    const int sender = ::accept(listener, nullptr, nullptr);
    std::uint8_t buffer[4096];
    ssize_t got = 0;
    while ((got = ::read(sender, buffer, sizeof buffer)) > 0) {
      EXPECT_EQ(::write(receiver, buffer, static_cast<std::size_t>(got)), got);
    }
    ::close(sender);
    ::close(receiver);
  });
  const auto input = open_packet_input(place);
  {
    EXPECT_THROW(open_packet_output(parse_link(place)), Error);  // without a call sign
    const auto output = open_packet_output(parse_link(place + "?call=N0CALL"));
    output->send(PacketBytes{0xC0, 0xDB, 0xDC, 1});
    output->send(PacketBytes(200, 0xC0));
  }
  PacketBytes packet;
  ASSERT_EQ(input->receive(packet, 2000ms), PacketInput::State::packet);
  EXPECT_EQ(packet, (PacketBytes{0xC0, 0xDB, 0xDC, 1}));
  PacketInput::State state = PacketInput::State::nothing;
  for (int i = 0; i < 20 && state == PacketInput::State::nothing; ++i) {
    state = input->receive(packet, 500ms);
  }
  ASSERT_EQ(state, PacketInput::State::packet);
  EXPECT_EQ(packet, PacketBytes(200, 0xC0));
  tnc.join();
  ::close(listener);
}

}  // namespace
}  // namespace semcodec
