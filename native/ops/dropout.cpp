// Dropout.
//
//   y = x · mask / (1 − rate) while training, x otherwise
//
// shapes  [batch, time, d] -> the same
// source  torch.nn.Dropout, with a mask of its own (seeded-dropout.h)

#include "../kernels/seeded-dropout.h"
#include "op-table.h"

namespace lvm {
namespace {

struct Dropout final : Layer {
  explicit Dropout(double rate) : rate(rate) {}
  Tensor forward(const Tensor& x, Pass& pass) override { return dropout(x, rate, pass); }
  double rate;
};

}  // namespace

Made make_dropout(const Node& node, Builder&) { return std::make_unique<Dropout>(node.real("rate")); }

}  // namespace lvm
