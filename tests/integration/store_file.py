"""The store's LMDB file in the hands of somebody else than the loader."""
import lmdb


class StoreFile:
    def __init__(self, path):
        self._path = path

    def record(self, identifier, source="default"):
        with self._open(readonly=True) as (environment, connections), environment.begin(connections) as transaction:
            record = transaction.get(_key(source, identifier))
        assert record is not None, f"no record of {identifier!r}"
        return record

    def replace_record(self, identifier, record, source="default"):
        with self._open() as (environment, connections), environment.begin(connections, write=True) as transaction:
            assert transaction.get(_key(source, identifier)) is not None
            transaction.put(_key(source, identifier), record)

    def add_key(self, key, record):
        with self._open() as (environment, connections), environment.begin(connections, write=True) as transaction:
            assert transaction.put(key, record, overwrite=False)

    def remove_key(self, key, database=b"connections"):
        with self._open(database=database) as (environment, records), environment.begin(records, write=True) as transaction:
            assert transaction.delete(key)

    def replace_bytes(self, before, after, database=b"connections"):
        """In every record; the lengths must agree, so that nothing else in a record changes."""
        assert len(before) == len(after)
        with self._open(database=database) as (environment, records), environment.begin(records, write=True) as transaction:
            hits = [(key, value) for key, value in transaction.cursor() if before in value]
            assert hits, f"{before!r} stands in no record"
            for key, value in hits:
                transaction.put(key, value.replace(before, after))

    def put_meta(self, key, value):
        with lmdb.open(str(self._path), subdir=False, max_dbs=8, map_size=1 << 30) as environment:
            meta = environment.open_db(b"meta", create=False)
            with environment.begin(meta, write=True) as transaction:
                assert transaction.get(key) is not None, list(transaction.cursor())
                transaction.put(key, value)

    def _open(self, readonly=False, database=b"connections"):
        return _Opened(self._path, readonly, database)


class _Opened:
    def __init__(self, path, readonly, database):
        self._database = database
        self._environment = lmdb.open(str(path), subdir=False, max_dbs=8, map_size=1 << 30, readonly=readonly)

    def __enter__(self):
        return self._environment, self._environment.open_db(self._database, create=False)

    def __exit__(self, *_):
        self._environment.close()


def _key(source, identifier):
    return source.encode("ascii") + b"\0" + identifier.encode("utf-8")
