"""Models behind a server: `openai:NAME` (any OpenAI-compatible one), `vllm:ID` and `serve:ID` (started by us).

    options    what `--base-url` and its companions say
    pictures   images as data URLs, made once per image
    prompts    a request as the JSON that is sent
    answers    the JSON that comes back as a response
    faults     what a failure means: ask again, this question only, stop
    limiter    how many requests are under way at a server
    endpoints  one server's address, its client, its state
    pool       many requests at once, on a thread of their own
    adapter    all of it behind the one generate API
    process    a server that we start and stop
    local      `vllm serve` and `transformers serve`

Needs the official client (`pip install "lrm-eval[servers]"`), imported when a server is first asked.
"""
