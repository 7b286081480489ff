/* Floor for loading: libyaml reads a file's events and discards them. Whatever the loader takes beyond that is its own
 * cost. Prints the number of scalars, to show that the file was read. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <yaml.h>

static bool parse(FILE *file, size_t *scalars)
{
    yaml_parser_t parser;
    yaml_event_t event;
    bool ended = false;
    if (!yaml_parser_initialize(&parser))
        return false;
    yaml_parser_set_input_file(&parser, file);
    while (!ended && yaml_parser_parse(&parser, &event)) {
        *scalars += event.type == YAML_SCALAR_EVENT;
        ended = event.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return ended;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fputs("usage: yaml_parse FILE\n", stderr);
        return 2;
    }
    FILE *file = fopen(argv[1], "rb");
    if (file == NULL) {
        perror(argv[1]);
        return EXIT_FAILURE;
    }
    size_t scalars = 0;
    bool done = parse(file, &scalars);
    fclose(file);
    if (!done) {
        fprintf(stderr, "%s: not proper YAML\n", argv[1]);
        return EXIT_FAILURE;
    }
    printf("%zu\n", scalars);
    return EXIT_SUCCESS;
}
