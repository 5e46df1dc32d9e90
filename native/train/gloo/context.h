#pragma once
// Stand-ins for Gloo's headers, which libtorch's packages leave out. ProcessGroupGloo.hpp names these types only through
// pointers, and libtorch makes every object of them.
#include <chrono>

namespace gloo {

class Context {
 public:
  void setTimeout(std::chrono::milliseconds timeout);
};

namespace transport {
class UnboundBuffer;
}

}  // namespace gloo
