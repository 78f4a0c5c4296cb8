"""The only package that imports mlflow, and only inside functions: the import takes seconds.

store: where runs are kept. runs: a training run and what is logged to it. registry: registered models and
their aliases. pyfunc_model: the registered model as MLflow loads it. They are modules of their own so that a
stage depends only on what it uses: a change to the registry must not train again.
"""
