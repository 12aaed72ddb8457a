// Inputs and streams that would lead libav astray.

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "common/core/error.h"
#include "tests/media/clip.h"

namespace semcodec {
namespace {

using namespace test;

/// Sends `text` to the first who connects.
class Server {
 public:
  explicit Server(std::string text) : text_(std::move(text)) {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(socket_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(socket_, 4) != 0 ||
        ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      return;
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] {
      const int peer = ::accept(socket_, nullptr, nullptr);
      if (peer < 0) return;
      EXPECT_EQ(::write(peer, text_.data(), text_.size()), static_cast<ssize_t>(text_.size()));
      ::close(peer);
    });
  }
  ~Server() {
    ::shutdown(socket_, SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
    ::close(socket_);
  }
  int port() const { return port_; }

 private:
  std::string text_;
  int socket_ = -1;
  int port_ = 0;
  std::thread thread_;
};

class Playlist : public testing::Test {
 protected:
  Playlist() {
    write_clip(folder_.path("secret.mkv"), 64, 48, regular_times(10),
               {.time_base = {1, 10}, .frame_rate = {10, 1}});
    playlist_ = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1.0,\nfile://" +
                folder_.path("secret.mkv") + "\n#EXT-X-ENDLIST\n";
  }
  TemporaryFolder folder_;
  std::string playlist_;
};

TEST_F(Playlist, FromTheNetworkOpensNoFile) {
  Server server(playlist_);
  ASSERT_NE(server.port(), 0);
  const std::string url = "tcp://127.0.0.1:" + std::to_string(server.port());
  const std::string sentence = sentence_of([&] { read_clip(url); });
  EXPECT_NE(sentence.find(url), std::string::npos) << sentence;
}

TEST_F(Playlist, OnStdinOpensNoFile) {
  const std::string path = folder_.path("list.m3u8");
  write_bytes(path, {playlist_.begin(), playlist_.end()});
  const int file = ::open(path.c_str(), O_RDONLY);
  const Redirect redirect(STDIN_FILENO, file);
  EXPECT_NE(sentence_of([&] { read_clip("-"); }), "");
  ::close(file);
}

TEST_F(Playlist, AVideoFromTheNetworkIsRead) {
  const auto bytes = bytes_of(folder_.path("secret.mkv"));
  Server server(std::string(bytes.begin(), bytes.end()));
  ASSERT_NE(server.port(), 0);
  const Clip clip = read_clip("tcp://127.0.0.1:" + std::to_string(server.port()));
  EXPECT_EQ(clip.frames.size(), 10u);
}

WriterOptions with_audio(const AudioInfo& info) {
  return {.time_base = {1, 25}, .frame_rate = {25, 1}, .audio = info};
}

TEST(HostileAudioTrack, OnlyKnownCodecsReachLibav) {
  const TemporaryFolder folder;
  for (const char* codec :
       {"wmav2", "alac", "cook", "adpcm_ima_qt", "pcm_bluray", "s302m", "aac_latm"}) {
    AudioInfo info;
    info.codec = codec;
    info.sample_rate = 44100;
    info.channels = 2;
    info.time_base = {1, 44100};
    info.block_align = 1024;
    info.extradata = {0, 0, 0, 0, 1, 0, 0, 0, 0, 0};
    VideoWriter writer(folder.path(std::string(codec) + ".mkv"), with_audio(info));
    EXPECT_EQ(writer.audio_handling(), "none") << codec;
    writer.write(gradient(64, 48, 0), 0);
    writer.write(AudioPacket{0, 1024, {1, 2, 3}});
    writer.finish();
  }
}

TEST(HostileAudioTrack, OthersBecomeOpusAtTheSender) {
  const TemporaryFolder folder;
  const std::string both = folder.path("both.mkv");
  write_clip(folder.path("v.mkv"), 64, 48, regular_times(5), {.time_base = {1, 10}});
  const std::string command = "ffmpeg -v error -nostdin -i " + folder.path("v.mkv") +
                              " -f lavfi -i sine=duration=0.5 -c:v copy -c:a alac " + both;
  ASSERT_EQ(std::system(command.c_str()), 0);
  const Clip clip = read_clip(both, {.audio = AudioMode::copy});
  ASSERT_TRUE(clip.audio_info);
  EXPECT_EQ(clip.audio_info->codec, "opus");
  EXPECT_FALSE(clip.audio.empty());
}

TEST(HostileAudioTrack, WhatRunsAheadOfThePicturesIsBounded) {
  const TemporaryFolder folder;
  const Sound sound = sine("pcm_s16le", 0.1);
  WriterOptions options = with_audio(sound.info);
  options.max_waiting = 1 << 20;
  VideoWriter writer(folder.path("a.mkv"), options);
  for (int i = 0; i < 100; ++i) {
    writer.write(AudioPacket{std::int64_t{1024} * i, 1024, std::vector<std::uint8_t>(100'000)});
  }
  writer.write(gradient(64, 48, 0), 0);
  writer.finish();
  // Ten fit, and what was left out is gone.
  const Clip clip = read_clip(folder.path("a.mkv"), {.audio = AudioMode::copy});
  EXPECT_LE(clip.audio.size(), 10u);
  EXPECT_GE(clip.audio.size(), 5u);
}

TEST(HostileAudioTrack, TimesBeyondReasonAreLeftOut) {
  const TemporaryFolder folder;
  for (const char* extension : {"mp4", "mkv"}) {
    Sound sound = sine("libopus", 0.2);
    WriterOptions options = with_audio(sound.info);
    const std::string path = folder.path(std::string("t.") + extension);
    VideoWriter writer(path, options);
    writer.write(gradient(64, 48, 0), 0);
    for (const std::int64_t pts : {std::int64_t{1} << 60, -(std::int64_t{1} << 60)}) {
      writer.write(AudioPacket{pts, std::int64_t{1} << 60, sound.packets[0].bytes});
    }
    for (const auto& packet : sound.packets) writer.write(packet);
    writer.write(gradient(64, 48, 1), 5);
    writer.finish();
    EXPECT_EQ(read_clip(path, {.audio = AudioMode::copy}).audio.size(), sound.packets.size());
  }
}

}  // namespace
}  // namespace semcodec
