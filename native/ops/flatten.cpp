// Lays the vectors of a context side by side.
//
//   y = [x_1 … x_context]
//
// shapes  [batch, context, dim] -> [batch, 1, context · dim]
// errors  BAD_ARGUMENT when a context has another length
// source  own

#include "op-table.h"

namespace lvm {
namespace {

struct Flatten final : Layer {
  explicit Flatten(int64_t context) : context(context) {}
  bool mixes() const override { return true; }
  Tensor forward(const Tensor& x, Pass&) override {
    if (x.size(1) != context) {
      const auto received = std::to_string(x.size(1));
      throw Error("BAD_ARGUMENT", "predict: expected contexts of " + std::to_string(context) +
                                    ", the only length that this model reads, but received " + received +
                                    "; train one with \"context\" " + received);
    }
    return x.flatten(1).unsqueeze(1);
  }
  int64_t context;
};

}  // namespace

Made make_flatten(const Node& node, Builder&) { return std::make_unique<Flatten>(node.integer("context")); }

}  // namespace lvm
