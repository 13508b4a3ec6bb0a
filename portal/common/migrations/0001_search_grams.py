"""The single characters and pairs of characters of a text that are not ASCII, so that an index finds 林 and 鈴木.

pg_trgm needs three characters: a family name has one or two. Immutable and free of names outside pg_catalog, so that an
index may use it and a backup restores with any search path.
"""

from django.db import migrations


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.RunSQL(
            sql="""
            CREATE FUNCTION search_grams(value text) RETURNS text[]
            LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
                SELECT coalesce(array_agg(DISTINCT gram), '{}')
                FROM (
                    SELECT unnest(ARRAY[character, character || lead(character) OVER (ORDER BY position)]) AS gram
                    FROM unnest(string_to_array(value, NULL)) WITH ORDINALITY AS characters(character, position)
                ) AS grams
                WHERE gram ~ '[^[:ascii:]]' AND gram !~ ' '
            $$;
            """,
            reverse_sql="DROP FUNCTION search_grams(text);",
        )
    ]
