#include "joint-steps.h"

namespace lvm {
namespace {

// The states of a number of equal streams after several steps, the first of them at `position`.
State probe(Model& model, int64_t rows, int64_t position) {
  auto state = model.fresh_state();
  state.position = position;
  for (int i = 1; i <= 3; ++i)
    model.step(torch::arange(1, model.dim + 1).remainder(i + 4).to(torch::kFloat32).expand({rows, -1}), state);
  return state;
}

bool same(const Tensor& a, const Tensor& b) { return a.is_same(b) || (a.sizes() == b.sizes() && torch::equal(a, b)); }

}  // namespace

JointSteps::JointSteps(std::shared_ptr<Model> owner) : model(std::move(owner)) {
  torch::InferenceMode inference;
  const auto one = probe(*model, 1, 0), two = probe(*model, 2, 0);
  for (size_t i = 0; i < one.slots.size(); ++i) {
    auto& slot = by_row.emplace_back();
    for (size_t j = 0; j < one.slots[i].size(); ++j) slot.push_back(one.slots[i][j].sizes() != two.slots[i][j].sizes());
  }
  reads_position = false;
  try {
    const auto later = probe(*model, 1, 1);
    for (size_t i = 0; i < one.slots.size(); ++i)
      for (size_t j = 0; j < one.slots[i].size(); ++j) reads_position |= !same(one.slots[i][j], later.slots[i][j]);
  } catch (const std::exception&) {
    reads_position = true;  // positions are limited
  }
}

bool JointSteps::agree(const State& a, const State& b) const {
  if (a.position != b.position && (reads_position || a.position == 0 || b.position == 0)) return false;
  for (size_t i = 0; i < a.slots.size(); ++i) {
    if (a.slots[i].size() != b.slots[i].size()) return false;
    for (size_t j = 0; j < a.slots[i].size(); ++j) {
      const auto &x = a.slots[i][j], &y = b.slots[i][j];
      if (by_row[i][j] ? x.sizes().slice(1) != y.sizes().slice(1) : !same(x, y)) return false;
    }
  }
  return true;
}

Tensor JointSteps::step_together(const Tensor& x, const std::vector<Stream>& streams) {
  auto joint = *streams.front().state;
  for (size_t i = 0; i < joint.slots.size(); ++i) {
    for (size_t j = 0; j < joint.slots[i].size(); ++j) {
      if (!by_row[i][j]) continue;
      std::vector<Tensor> rows;
      for (const auto& stream : streams) rows.push_back(stream.state->slots[i][j]);
      joint.slots[i][j] = torch::cat(rows);
    }
  }
  const auto y = model->step(x, joint);
  int64_t at = 0;
  for (const auto& [state, rows] : streams) {
    state->position += 1;
    state->slots = joint.slots;
    for (size_t i = 0; i < joint.slots.size(); ++i)  // a view would keep the rows of all streams in memory
      for (size_t j = 0; j < joint.slots[i].size(); ++j)
        if (by_row[i][j]) state->slots[i][j] = joint.slots[i][j].narrow(0, at, rows).clone();
    at += rows;
  }
  return y;
}

Tensor JointSteps::step(const Tensor& given, const std::vector<Stream>& streams) {
  torch::InferenceMode inference;
  const auto x = model->checked(given.unsqueeze(1)).squeeze(1);  // before any state changes
  std::vector<std::vector<size_t>> groups;
  std::vector<int64_t> starts{0};
  for (size_t i = 0; i < streams.size(); ++i) {
    starts.push_back(starts.back() + streams[i].rows);
    const auto found = std::find_if(groups.begin(), groups.end(),
                                    [&](const auto& group) { return agree(*streams[group.front()].state, *streams[i].state); });
    if (found == groups.end()) groups.push_back({i});
    else found->push_back(i);
  }
  if (starts.back() != x.size(0)) throw Error("BAD_ARGUMENT", "stepper: expected one vector per row of the states");
  auto out = torch::empty(given.sizes(), torch::kFloat32);
  for (const auto& group : groups) {
    std::vector<Stream> members;
    std::vector<Tensor> inputs;
    for (const auto i : group) {
      members.push_back(streams[i]);
      inputs.push_back(x.narrow(0, starts[i], streams[i].rows));
    }
    const auto input = inputs.size() == 1 ? inputs.front() : torch::cat(inputs);
    const auto y = inputs.size() == 1 ? model->step(input, *members.front().state) : step_together(input, members);
    int64_t at = 0;
    for (const auto i : group) {
      out.narrow(0, starts[i], streams[i].rows).copy_(y.narrow(0, at, streams[i].rows));
      at += streams[i].rows;
    }
  }
  return out;
}

}  // namespace lvm
