#pragma once
// The few names of Gloo that torch's ProcessGroupGloo.hpp mentions.
//
// PyTorch's wheels hold Gloo, but not its headers. The class we use keeps only pointers to Gloo's
// types, so their declarations are enough; nothing here is defined, and no object of these types is
// made by us. Used only where torch's include folder has no gloo/.

#include <chrono>
#include <string>
#include <vector>

namespace gloo {

class Context {
 public:
  void setTimeout(std::chrono::milliseconds timeout);
};

namespace rendezvous {
class Store {
 public:
  virtual ~Store();
  virtual void set(const std::string& key, const std::vector<char>& value) = 0;
  virtual std::vector<char> get(const std::string& key) = 0;
  virtual void wait(const std::vector<std::string>& keys) = 0;
  virtual void wait(const std::vector<std::string>& keys,
                    const std::chrono::milliseconds& timeout) = 0;
};
}  // namespace rendezvous

namespace transport {
class Device;
class UnboundBuffer;
}  // namespace transport

}  // namespace gloo
