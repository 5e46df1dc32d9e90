#pragma once
#include "node.h"
#include "weight.h"

#include "../torch.h"

namespace lvm {

using torch::Tensor;

// What recurrent layers and attention caches remember between calls; `position` counts the inputs seen so far.
struct State {
  std::vector<std::vector<Tensor>> slots;
  int64_t position = 0;
};

// Where a pass takes its random numbers from: a pure function of these, so a resumed run draws the same ones.
struct Random {
  uint64_t seed = 0, step = 0, calls = 0;
};

// What travels through one forward pass beside the activations.
struct Pass {
  bool training = false;
  bool last_only = false;                         // only the last position of the result is read: the rest may be left out
  bool recompute = false;                         // residual layers keep their input only, and the backward pass runs them again
  bool redraw = false;                            // random features are drawn anew before they are used
  Random random;                                  // for dropout and random features
  State* state = nullptr;                         // when given, x continues what came before and the state is updated
  Tensor memory;                                  // what cross-attention reads
  std::map<std::string, Tensor>* seen = nullptr;  // when given, outputs of named nodes are kept here
};

// One step of a model: [batch, time, d] -> [batch, time, d'], or [batch, 1, d'] when pass.last_only is set.
struct Layer {
  virtual ~Layer() = default;
  virtual Tensor forward(const Tensor& x, Pass& pass) = 0;
  // Whether an output position depends on other positions of the input.
  virtual bool mixes() const { return false; }

  Tensor operator()(const Tensor& x, Pass& pass) {
    auto y = forward(x, pass);
    if (pass.seen && !name.empty()) (*pass.seen)[name] = y;
    return y;
  }
  std::string name;  // full name of its node, empty for unnamed ones
};
using Made = std::unique_ptr<Layer>;

inline Tensor last_position(const Tensor& x) { return x.narrow(1, x.size(1) - 1, 1); }

class Builder;

// An op as ops/op-table.cpp lists it: its name, its parameters, its builder.
struct Op {
  const char* name;
  std::vector<std::pair<const char*, const char*>> params;
  Made (*make)(const Node&, Builder&);
};

}  // namespace lvm
