-- Takes many transaction ids, and as many multixacts: each subtransaction locks a row that its parent has locked already.
DO $$ BEGIN
  PERFORM FROM locked FOR KEY SHARE;
  FOR i IN 1..130000 LOOP
    BEGIN
      PERFORM FROM locked FOR SHARE;
      RAISE EXCEPTION USING errcode = 'ZZ001';
    EXCEPTION WHEN SQLSTATE 'ZZ001' THEN NULL;
    END;
  END LOOP;
END $$
