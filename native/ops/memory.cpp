// A chain of ops whose input is the memory of the cross-attention inside.
//
//   y = f(x)
//
// shapes  [batch, time, d] -> the output of the last op inside

#include "chain.h"
#include "op-table.h"

namespace lvm {
namespace {

struct Memory final : Chain {
  using Chain::Chain;
  Tensor forward(const Tensor& x, Pass& pass) override {
    const auto outer = pass.memory;
    pass.memory = x;
    auto y = Chain::forward(x, pass);
    pass.memory = outer;
    return y;
  }
};

}  // namespace

Made make_memory(const Node& node, Builder& b) { return std::make_unique<Memory>(node, b); }

}  // namespace lvm
