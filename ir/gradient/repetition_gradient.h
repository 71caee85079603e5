// The gradient of a body that runs again and again, as one more Scan that goes through the runs backwards:
// what Scan and Loop share.
//   states'[t], scanned[t] = body(states[t], given[t])
//   dstates[t], dgiven[t]  = gradient of body at (states[t], given[t]) from dstates'[t], dscanned[t]
#pragma once
#include <vector>

#include "ir/op.h"

namespace edgeopt {

/// One slice per run along an axis of an outer value, the first one last if it is reversed.
struct Slices {
  ValueId value = ValueId::none;
  std::int64_t axis = 0;
  bool is_reversed = false;
};

/// A value that a run hands to the next one: an input of the body, and the output that becomes it.
struct CarriedValue {
  std::size_t input = 0, output = 0;
  ValueId first = ValueId::none;     // what the first run gets
  ValueId gradient = ValueId::none;  // of what the last run leaves; ValueId::none: nobody asks
};

/// An input of the body that is another slice in each run.
struct GivenSlices {
  std::size_t input = 0;
  Slices slices;
  bool is_wanted = false;  // its gradient
};

/// An output of the body that is stacked, with the gradient of the stack.
struct ScannedOutput {
  std::size_t output = 0;
  Slices gradient;
};

struct Repetition {
  Graph body;                         // with inferred types
  std::size_t carried_count = 0;      // of any type: what the node's results begin with
  std::vector<CarriedValue> carried;  // those of floating point
  std::vector<GivenSlices> given;
  std::vector<ScannedOutput> scanned;      // those whose gradient is there
  std::vector<std::size_t> recorded;       // the inputs of the body that are not given
  std::vector<std::size_t> kept_recorded;  // those to be recorded even if nothing reads them
};

struct RepetitionGradients {
  std::vector<ValueId> carried;   // of what the first run got, one per entry of Repetition::carried
  std::vector<ValueId> given;     // stacked as the slices are; ValueId::none where not wanted
  std::vector<ValueId> captures;  // one per capture of the node; ValueId::none where not wanted
};

/// Adds a node like that of `call` that records what the body reads, and the Scan that goes back. Captured
/// values get the sum over all runs.
RepetitionGradients repetition_gradients(const GradientCall& call, const Repetition& repetition);

/// The body of Loop or Scan with what is known of its inputs from outside.
Graph body_with_input_types(const Graph& body, const std::vector<ValueType>& types);

}  // namespace edgeopt
