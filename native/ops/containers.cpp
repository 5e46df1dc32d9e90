// The ops that hold other ops.
//
//   chain     y = fₙ(… f₁(x))
//   residual  y = x + dropout(f(x))
//   memory    y = f(x), and the cross-attention inside reads x
//   product   y = f₁(x) · … · fₙ(x), by element
//   concat    y = [f₁(x) … fₙ(x)], by channel
//
// shapes  [batch, time, d] -> what the last op inside returns

#include "dropout.h"
#include "ops.h"
#include "recompute.h"

namespace lvm {
namespace {

struct Chain : Layer {
  Chain(const Node& node, Builder& b) : layers(b.build_all(node.of)) {
    for (size_t i = 0; i < layers.size(); ++i) {
      if (layers[i]->mixes()) last_mixing = i;
    }
  }
  bool mixes() const override { return last_mixing.has_value(); }

  Tensor forward(const Tensor& x, Pass& pass) override {
    const auto wanted = pass.last_only;
    auto y = wanted && !mixes() ? last_position(x) : x;
    for (size_t i = 0; i < layers.size(); ++i) {
      pass.last_only = wanted && (!mixes() || i >= *last_mixing);
      y = (*layers[i])(y, pass);
    }
    pass.last_only = wanted;
    return y;
  }

  std::vector<Made> layers;
  std::optional<size_t> last_mixing;
};

struct Residual final : Chain {
  Residual(const Node& node, Builder& b) : Chain(node, b), rate(node.real("dropout")) {}
  Tensor forward(const Tensor& x, Pass& pass) override {
    const auto branch = [this](const Tensor& x, Pass& pass) { return dropout(Chain::forward(x, pass), rate, pass); };
    // The branch has a view of its own, so that its gradients are added up before that of x joins them, as when it is recomputed.
    const auto y = pass.recompute ? recomputed_layer(x, pass, branch) : branch(pass.training ? x.view_as(x) : x, pass);
    return (y.size(1) == x.size(1) ? x : last_position(x)) + y;
  }
  double rate;
};

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

// Layers side by side on one input.
struct Parallel : Layer {
  Parallel(const Node& node, Builder& b) : layers(b.build_all(node.of)) {
    if (layers.empty()) throw Error("BAD_SPEC", node.op + ": expected at least one op inside but there is none");
  }
  bool mixes() const override {
    return std::any_of(layers.begin(), layers.end(), [](const Made& layer) { return layer->mixes(); });
  }
  std::vector<Tensor> outputs(const Tensor& x, Pass& pass) {
    std::vector<Tensor> all;
    for (const auto& layer : layers) all.push_back((*layer)(pass.last_only && !layer->mixes() ? last_position(x) : x, pass));
    return all;
  }
  std::vector<Made> layers;
};

struct Product final : Parallel {
  using Parallel::Parallel;
  Tensor forward(const Tensor& x, Pass& pass) override {
    const auto all = outputs(x, pass);
    auto y = all[0];
    for (size_t i = 1; i < all.size(); ++i) y = y * all[i];
    return y;
  }
};

struct Concat final : Parallel {
  using Parallel::Parallel;
  Tensor forward(const Tensor& x, Pass& pass) override { return torch::cat(outputs(x, pass), -1); }
};

}  // namespace

Made make_chain(const Node& node, Builder& b) { return std::make_unique<Chain>(node, b); }
Made make_residual(const Node& node, Builder& b) { return std::make_unique<Residual>(node, b); }
Made make_memory(const Node& node, Builder& b) { return std::make_unique<Memory>(node, b); }
Made make_product(const Node& node, Builder& b) { return std::make_unique<Product>(node, b); }
Made make_concat(const Node& node, Builder& b) { return std::make_unique<Concat>(node, b); }

}  // namespace lvm
