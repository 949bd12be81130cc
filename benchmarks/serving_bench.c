/* Times the signatures of an exported model through TensorFlow's C API, as a server without Python would run them.
 *
 *   serving_bench EXPORT < commands
 *
 * Commands are lines `input NAME FILE DIMENSION...`, of the form that run_saved_model.c takes, and `time SIGNATURE CALLS`.
 * For each `time` it prints a line with the nanoseconds of each call. A call makes tensors of bytes in memory, runs, and
 * copies the answer out.
 */
#define _POSIX_C_SOURCE 200809L
#define main run_saved_model
#include "../tests/export/run_saved_model.c"
#undef main

#include <time.h>

static int64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void time_calls(TF_Session *session, TF_Graph *graph, const Signature *signature, const Input *given,
                       int num_given, long calls, TF_Status *status) {
  TF_Output inputs[MAX_TENSORS], outputs[MAX_TENSORS];
  TF_Tensor *kept[MAX_TENSORS] = {0}, *in[MAX_TENSORS], *out[MAX_TENSORS];
  uint8_t *answer = NULL;
  size_t room = 0;
  for (int i = 0; i < signature->num_inputs; i++) {
    const Slot *slot = &signature->inputs[i];
    if (slot->type == TF_STRING) fail("%s takes strings, which are not timed", signature->name);
    inputs[i] = output_of(graph, slot);
    for (int j = 0; j < num_given; j++)
      if (!strcmp(slot->name, given[j].name))
        kept[i] = read_tensor(given[j].path, (TF_DataType)slot->type, given[j].shape, given[j].rank);
    if (!kept[i]) fail("%s needs the input %s", signature->name, slot->name);
  }
  for (int i = 0; i < signature->num_outputs; i++) outputs[i] = output_of(graph, &signature->outputs[i]);
  for (long call = 0; call < calls; call++) {
    int64_t start = nanoseconds();
    for (int i = 0; i < signature->num_inputs; i++) {
      int64_t shape[MAX_RANK];
      for (int axis = 0; axis < TF_NumDims(kept[i]); axis++) shape[axis] = TF_Dim(kept[i], axis);
      in[i] = TF_AllocateTensor(TF_TensorType(kept[i]), shape, TF_NumDims(kept[i]), TF_TensorByteSize(kept[i]));
      memcpy(TF_TensorData(in[i]), TF_TensorData(kept[i]), TF_TensorByteSize(kept[i]));
    }
    TF_SessionRun(session, NULL, inputs, in, signature->num_inputs, outputs, out, signature->num_outputs, NULL, 0, NULL,
                  status);
    check(status, signature->name);
    for (int i = 0; i < signature->num_outputs; i++) {
      size_t size = TF_TensorByteSize(out[i]);
      if (size > room && !(answer = realloc(answer, room = size))) fail("out of memory");
      memcpy(answer, TF_TensorData(out[i]), size);
      TF_DeleteTensor(out[i]);
    }
    for (int i = 0; i < signature->num_inputs; i++) TF_DeleteTensor(in[i]);
    printf("%s%" PRId64, call ? " " : "", nanoseconds() - start);
  }
  putchar('\n');
  fflush(stdout);
  free(answer);
  for (int i = 0; i < signature->num_inputs; i++) TF_DeleteTensor(kept[i]);
}

int main(int argc, char **argv) {
  if (argc != 2) {
    fputs("usage: serving_bench EXPORT < commands\n", stderr);
    return 2;
  }
  TF_Status *status = TF_NewStatus();
  TF_Graph *graph = TF_NewGraph();
  TF_Buffer *meta_graph = TF_NewBuffer();
  TF_SessionOptions *options = TF_NewSessionOptions();
  const char *tags[] = {"serve"};
  TF_Session *session = TF_LoadSessionFromSavedModel(options, NULL, argv[1], tags, 1, graph, meta_graph, status);
  check(status, argv[1]);
  int count, num_given = 0;
  Signature *signatures = read_signatures(meta_graph, &count);
  Input given[MAX_TENSORS];
  char line[2 * MAX_PATH];
  while (fgets(line, sizeof line, stdin)) {
    char *word = strtok(line, " \n"), *name = strtok(NULL, " \n"), *third = strtok(NULL, " \n");
    if (!third || strlen(name) >= MAX_NAME || strlen(third) >= MAX_PATH) fail("a command is not understood");
    if (!strcmp(word, "input")) {
      if (num_given == MAX_TENSORS) fail("there are more than %d inputs", MAX_TENSORS);
      Input *input = &given[num_given++];
      strcpy(input->name, name);
      strcpy(input->path, third);
      for (input->rank = 0; input->rank < MAX_RANK && (word = strtok(NULL, " \n")); input->rank++)
        input->shape[input->rank] = strtoll(word, NULL, 10);
    } else if (!strcmp(word, "time")) {
      const Signature *signature = NULL;
      for (int i = 0; i < count; i++)
        if (!strcmp(signatures[i].name, name)) signature = &signatures[i];
      if (!signature) fail("there is no signature %s", name);
      time_calls(session, graph, signature, given, num_given, strtol(third, NULL, 10), status);
      num_given = 0;
    } else {
      fail("a command is not understood: %s", word);
    }
  }
  free(signatures);
  TF_CloseSession(session, status);
  TF_DeleteSession(session, status);
  return 0;
}
