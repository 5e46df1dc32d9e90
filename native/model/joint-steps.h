#pragma once
#include "predictor-model.h"

namespace lvm {

// A state whose rows are streams, and the number of its rows.
struct Stream {
  State* state;
  int64_t rows;
};

// Steps several states of one model in one pass, so that its weights are read once. Only states that agree in everything but
// their rows share a pass.
class JointSteps {
 public:
  explicit JointSteps(std::shared_ptr<Model> model);
  // Shapes: x [rows of all streams, dim] -> unit vectors of the same shape
  Tensor step(const Tensor& x, const std::vector<Stream>& streams);

 private:
  bool agree(const State& a, const State& b) const;
  Tensor step_together(const Tensor& x, const std::vector<Stream>& streams);

  std::shared_ptr<Model> model;
  std::vector<std::vector<bool>> by_row;  // whether the first dimension of each tensor of a state is its rows
  bool reads_position;
};

}  // namespace lvm
